"""What the protocols of pictures share: the cases, one row at a time.

A protocol is a `PictureProtocol`; its `run.py` states one and calls `main`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from copies import DELTA, per_model, synthetic
from picture_judge import PictureJudge
from results import Results, table

from dpsynth.data.codec import Codec, Tokens, codec
from dpsynth.data.public_pictures import public_pictures
from dpsynth.data.records import Records
from dpsynth.evaluation.shown import Shown, shown, without_detail
from dpsynth.models import PICTURE_MODELS
from dpsynth.schema import Schema

COARSE = "real, coarse"  # the training part without detail
PARTS = {
    "worth": "tstr_auc_cnn",
    "distances": "kid",
}  # of a judge, and a row by which each is known
SHARED = Path(__file__).resolve().parents[2] / "shared/data"


@dataclass(frozen=True, kw_only=True)
class PictureProtocol:
    """One data set, split and task. All public, and fixed before any result.

    Attributes:
        name: of the protocol.
        folder: holds `results.json`.
        schema: of the data, with the label.
        data: the data's folder, unless the command line names another.
        tests: parts that can be tested on; the last is that of the results, the others are to
            develop on.
        parts: (schema, data's folder, test) -> training and test part.
        positive: classes of the label that the task asks for.
        groups: subgroups of the records' patients.
        by_class: whether each class is judged too.
        models: that are measured, unless the command line names others.
        settings: of models, where they are not the defaults; the command line goes before them.
        bars: what stands beside the models without a copy: (training part, code books, its
            public size, test part, epsilon, seed) -> rows.
    """

    name: str
    folder: Path
    schema: Schema
    data: Path
    tests: tuple[str, ...]
    parts: Callable[[Schema, Path, str], tuple[Records, Records]]
    positive: tuple[str, ...]
    groups: Callable[[Records], Mapping[str, np.ndarray]] = field(default=lambda records: {})
    by_class: bool = False
    models: tuple[str, ...] = tuple(PICTURE_MODELS)
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    bars: Mapping[str, Callable[[Records, Codec, int, Shown, float, int], list[dict[str, Any]]]] = (
        field(default_factory=dict)
    )


def options(protocol: PictureProtocol) -> argparse.ArgumentParser:
    """What can be asked of every protocol."""
    ask = argparse.ArgumentParser(description=f"Protocol {protocol.name}: add the rows missing.")
    ask.add_argument("--data", type=Path, default=protocol.data)
    ask.add_argument("--out", type=Path, default=protocol.folder / "results.json")
    ask.add_argument("--epsilons", default="10,3,1")
    ask.add_argument("--models", default=",".join([*protocol.models, *protocol.bars]))
    ask.add_argument("--seeds", type=int, default=5)
    ask.add_argument("--test", default=protocol.tests[-1], choices=protocol.tests)
    ask.add_argument("--setting", action="append", default=[], help="name=value of a model")
    ask.add_argument("--pretrain", help="public pictures first: chest, skin, a folder or an .npz")
    ask.add_argument("--threads", type=int, default=1)
    ask.add_argument("--device", default="cpu", help="of the networks; another one is on its rows")
    return ask


def main(protocol: PictureProtocol, words: list[str] | None = None) -> None:
    """Add the rows that are missing, then print the table."""
    ask = options(protocol)
    asked = ask.parse_args(words)
    names = [name for name in asked.models.split(",") if name]
    settings = per_model([n for n in names if n not in protocol.bars], asked.setting, ask)
    torch.set_num_threads(asked.threads)
    train, held = protocol.parts(protocol.schema, asked.data, asked.test)
    schema = protocol.schema.model_copy(update={"population": len(train)})
    books = codec(schema)
    seen, real = (judged(books.encode(each), books, protocol) for each in (train, held))
    judge = PictureJudge(seen, real, protocol.groups(held), protocol.by_class)
    results = Results(asked.out, protocol.name, asked.threads)
    assert schema.picture is not None
    public = None if asked.pretrain is None else public_pictures(asked.pretrain, schema.picture)
    for name, epsilon, seed in cases(asked, names):
        common: dict[str, Any] = {"model": name, "epsilon": epsilon, "seed": seed}
        if name in protocol.bars and epsilon is not None:
            if not results.holds(**common):
                found = protocol.bars[name](train, books, len(train), real, epsilon, seed)
                results.add([common | {"delta": DELTA} | row for row in found])
            continue
        wanted = [part for part, sign in PARTS.items() if not results.holds(**common, metric=sign)]
        if name == COARSE:
            wanted = [part for part in wanted if part == "distances"]
        if not wanted:
            continue
        copy, times = seen, {}
        if epsilon is not None:
            case = name, {**protocol.settings.get(name, {}), **settings[name]}, epsilon, seed
            tokens, times = synthetic(*case, train, schema, books, asked.device, public)
            copy = judged(tokens, books, protocol)
            common |= {"delta": DELTA}
            common |= {} if asked.device == "cpu" else {"device": asked.device}
            common |= {} if public is None else {"pretrain": Path(asked.pretrain).name}
        copy = seen.like(without_detail(seen.pixels)) if name == COARSE else copy
        found = [row for part in wanted for row in getattr(judge, part)(copy, seed)]
        if "worth" in wanted:
            found += [{"metric": k, "value": v} for k, v in times.items()]
        results.add([common | row for row in found])
        told = {row["metric"]: round(row["value"], 3) for row in found if "group" not in row}
        print(name, epsilon, seed, told, flush=True)
    print(table(results.rows))


def cases(asked: Any, names: list[str]) -> Iterator[tuple[str, float | None, int]]:
    """Model, epsilon and seed of each; all models at one seed before the next."""
    for seed in range(asked.seeds):
        yield "real", None, seed
        yield COARSE, None, seed
        for epsilon in (float(each) for each in asked.epsilons.split(",")):
            for name in names:
                yield name, epsilon, seed


def sized(schema: Schema, size: int) -> Schema:
    """The same with pictures of another side."""
    name, held = next((n, t) for n, t in schema.tables.items() if t.picture is not None)
    assert held.picture is not None
    picture = held.picture.model_copy(update={"size": size})
    tables = schema.tables | {name: held.model_copy(update={"picture": picture})}
    return schema.model_copy(update={"tables": tables})


def judged(tokens: Tokens, books: Codec, protocol: PictureProtocol) -> Shown:
    """All pictures; positive are those of the classes that the task asks for."""
    found = shown(tokens, books, protocol.schema.label)
    asked = [found.classes.index(each) for each in protocol.positive]
    return replace(found, positive=np.isin(found.code, asked))
