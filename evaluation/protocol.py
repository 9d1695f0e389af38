"""What the protocols of patients' records share: the split, the cases, one row at a time.

A protocol is a `Protocol`; its `run.py` states one and calls `main`.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dpsynth.data.codec import Codec, Tokens, codec
from dpsynth.data.reader import read
from dpsynth.data.records import Records
from dpsynth.data.schema_file import load_schema
from dpsynth.evaluation.controls import independent_columns
from dpsynth.evaluation.references import REFERENCES
from dpsynth.models import RECORD_MODELS
from dpsynth.schema import Schema

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from copies import DELTA, per_model, synthetic  # noqa: E402
from judge import Judge  # noqa: E402
from results import Results, table  # noqa: E402

FLOOR = "markov"
SHARED = HERE.parents[1] / "shared/data"

Groups = Mapping[str, np.ndarray]  # name: (patients,) whether each belongs to the group


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """One data set, split and task. All public, and fixed before any result.

    Attributes:
        name: of the protocol; with a patient's key it is hashed for the split.
        folder: holds `schema.yaml`, with the label, and `results.json`.
        data: the data's folder, unless the command line names another.
        files: the data's files in that folder.
        train: how many patients to train on, the first in the order of their hash.
        test_from: patients from this place of that order on test.
        groups: subgroups of the records' patients.
    """

    name: str
    folder: Path
    data: Path
    files: Callable[[Path], list[Path]]
    train: int
    test_from: int
    groups: Callable[[Records], Groups]

    def __post_init__(self) -> None:
        """No patient may both train and test."""
        check_parts(self.train, self.test_from)


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A protocol's data, split.

    Attributes:
        schema: its `population` is the size of the training part.
        books: public code books.
        train: the training part's records, for the door.
        test: the test part's records, for the judge.
        groups: subgroups of the test part.
    """

    schema: Schema
    books: Codec
    train: Records
    test: Records
    groups: Groups


def options(protocol: Protocol) -> argparse.ArgumentParser:
    """What can be asked of every protocol."""
    ask = argparse.ArgumentParser(description=f"Protocol {protocol.name}: add the rows missing.")
    ask.add_argument("--data", type=Path, default=protocol.data)
    ask.add_argument("--out", type=Path, default=protocol.folder / "results.json")
    ask.add_argument("--epsilons", default="10,3,1")
    names = sorted(RECORD_MODELS, key=lambda name: name != FLOOR)
    ask.add_argument("--models", default=",".join(names))
    ask.add_argument("--seeds", type=int, default=3)
    ask.add_argument("--train", type=int, default=protocol.train, help="patients to train on")
    ask.add_argument(
        "--test-from", type=int, default=protocol.test_from, help="patients before it never test"
    )
    ask.add_argument(
        "--setting", action="append", default=[], help="name=value, of the models that know it"
    )
    ask.add_argument("--references", default="", help="without privacy: " + ",".join(REFERENCES))
    ask.add_argument("--reference-epochs", type=int, help="instead of the reference's own")
    ask.add_argument("--threads", type=int, default=1)
    ask.add_argument("--device", default="cpu", help="of the networks; another one is on its rows")
    return ask


def main(protocol: Protocol, words: list[str] | None = None) -> None:
    """Add the rows that are missing, then print the table."""
    ask = options(protocol)
    asked = ask.parse_args(words)
    names = [name for name in asked.models.split(",") if name]
    settings = per_model(names, asked.setting, ask)
    torch.set_num_threads(asked.threads)
    loaded = load(protocol, asked.data, asked.train, asked.test_from)
    judge = Judge(loaded.books, loaded.schema, loaded.train, loaded.test, loaded.groups)
    results = Results(asked.out, protocol.name, asked.threads)
    add_bounds(results, judge)
    for seed in range(asked.seeds):
        for name in (name for name in asked.references.split(",") if name):
            if not results.holds(model=name, epsilon=None, seed=seed):
                add_reference(results, judge, name, seed, loaded.schema, asked.reference_epochs)
        for epsilon in (float(e) for e in asked.epsilons.split(",")):
            floor = Floor(epsilon, seed, loaded, judge)
            for name in names:
                if not results.holds(model=name, epsilon=epsilon, seed=seed):
                    case = name, settings[name], epsilon, seed
                    add_case(results, judge, loaded, case, floor, asked.device)
    print(table(results.rows))


def add_bounds(results: Results, judge: Judge) -> None:
    """Rows of the training part itself, and of its columns shuffled each on its own."""
    shuffled = independent_columns(judge.real, np.random.default_rng(0))
    for name, tokens in (("real", judge.real), ("shuffled", shuffled)):
        if not results.holds(model=name):
            common = {"model": name, "epsilon": None, "seed": 0}
            results.add([common | row for row in judge.overall(tokens)])


def add_reference(
    results: Results, judge: Judge, name: str, seed: int, schema: Schema, epochs: int | None
) -> None:
    """A generator that sees the training part itself: epsilon is infinite."""
    assert isinstance(schema.population, int)
    began = time.perf_counter()
    copy = REFERENCES[name](
        judge.real, judge.books, 2 * schema.population, seed=seed, epochs=epochs
    )
    rows = judge.overall(copy) + judge.by_group(copy)
    rows.append({"metric": "train_and_generate_s", "value": time.perf_counter() - began})
    common = {"model": name, "epsilon": None, "seed": seed}
    common |= {} if epochs is None else {"epochs": epochs}
    results.add([common | row for row in rows])


def add_case(
    results: Results,
    judge: Judge,
    loaded: Loaded,
    case: tuple[str, Mapping[str, Any], float, int],
    floor: Floor,
    device: str,
) -> None:
    """Train, generate, measure, save and show one case: model, settings, epsilon, seed."""
    name, _, epsilon, seed = case
    common = {"model": name, "epsilon": epsilon, "seed": seed, "delta": DELTA}
    common |= {} if device == "cpu" else {"device": device}
    data = loaded.train, loaded.schema, loaded.books
    copy, times = synthetic(*case, *data, device)
    if name == FLOOR:
        floor.tokens = copy
    rows = judge.overall(copy) + judge.by_group(copy)
    if name != FLOOR:
        rows.append(judge.over_floor(copy, floor.made()))
    rows += [{"metric": metric, "value": value} for metric, value in times.items()]
    results.add([common | row for row in rows])
    shown = {row["metric"]: round(row["value"], 3) for row in rows if "group" not in row}
    print(name, epsilon, seed, shown, flush=True)


class Floor:
    """The floor's copy of one epsilon and seed: kept if it was just made, else made again."""

    def __init__(self, epsilon: float, seed: int, loaded: Loaded, judge: Judge) -> None:
        self.epsilon, self.seed, self.loaded, self.judge = epsilon, seed, loaded, judge
        self.tokens: Tokens | None = None

    def made(self) -> Tokens:
        """Its tokens; the same seed gives the same copy."""
        if self.tokens is None:
            data = self.loaded.train, self.loaded.schema, self.loaded.books
            self.tokens, _ = synthetic(FLOOR, {}, self.epsilon, self.seed, *data)
        return self.tokens


def load(protocol: Protocol, data: Path, size: int, test_from: int) -> Loaded:
    """Read and split the data; the training part's size is public."""
    schema = load_schema(protocol.folder / "schema.yaml").model_copy(update={"population": size})
    records, _ = read(protocol.files(data), schema)
    train, test = split(records, protocol.name, size, test_from)
    return Loaded(
        schema=schema, books=codec(schema), train=train, test=test, groups=protocol.groups(test)
    )


def stated(name: str) -> Protocol:
    """The `PROTOCOL` of another folder's `run.py`."""
    path = HERE / name / "run.py"
    spec = importlib.util.spec_from_file_location(f"protocol_{name.replace('-', '_')}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.PROTOCOL


def split(records: Records, name: str, size: int, test_from: int) -> tuple[Records, Records]:
    """By the first 4 bytes of SHA-256 of "<name><key>"; the last patients test.

    Raises:
        ValueError: if a patient would both train and test.
    """
    check_parts(size, test_from)
    order = order_of(records, name)
    return records.take(np.sort(order[:size])), records.take(np.sort(order[test_from:]))


def order_of(records: Records, name: str) -> np.ndarray:
    """(patients,) their places in the order of that hash."""
    marks = [hashlib.sha256(f"{name}{key}".encode()).digest()[:4] for key in records.keys]
    return np.array(sorted(range(len(marks)), key=marks.__getitem__))


def check_parts(size: int, test_from: int) -> None:
    """Refuse parts that overlap."""
    if not 0 < size <= test_from:
        raise ValueError(f"train must be in 1..{test_from}, where testing begins, got {size!r}")
