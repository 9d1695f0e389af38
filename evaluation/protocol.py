"""What the protocols of patients' records share: the split, the cases, one row at a time.

A protocol is a `Protocol`; its `run.py` states one and calls `main`.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dpsynth.data.codec import Codec, Tokens, codec
from dpsynth.data.reader import read
from dpsynth.data.records import Records
from dpsynth.data.schema_file import load_schema
from dpsynth.evaluation.controls import independent_columns
from dpsynth.models import MODELS
from dpsynth.models.base import quiet
from dpsynth.models.state import State
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.noise import CryptoStream
from dpsynth.schema import Schema

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from judge import Judge  # noqa: E402
from results import Results, table  # noqa: E402

DELTA = 1e-5
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
        if not 0 < self.train <= self.test_from:
            raise ValueError(f"train must be in 1..{self.test_from}, got {self.train!r}")


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
    names = sorted(MODELS, key=lambda name: name != FLOOR)
    ask.add_argument("--models", default=",".join(names))
    ask.add_argument("--seeds", type=int, default=3)
    ask.add_argument("--train", type=int, default=protocol.train, help="patients to train on")
    ask.add_argument(
        "--test-from", type=int, default=protocol.test_from, help="patients before it never test"
    )
    ask.add_argument(
        "--setting", action="append", default=[], help="name=value, of the models that know it"
    )
    ask.add_argument("--threads", type=int, default=1)
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
    add_references(results, judge)
    for seed in range(asked.seeds):
        for epsilon in (float(e) for e in asked.epsilons.split(",")):
            floor = Floor(epsilon, seed, loaded, judge)
            for name in names:
                if not results.holds(model=name, epsilon=epsilon, seed=seed):
                    add_case(results, judge, loaded, name, settings[name], epsilon, seed, floor)
    print(table(results.rows))


def add_references(results: Results, judge: Judge) -> None:
    """Rows of the training part itself, and of its columns shuffled each on its own."""
    shuffled = independent_columns(judge.real, np.random.default_rng(0))
    for name, tokens in (("real", judge.real), ("shuffled", shuffled)):
        if not results.holds(model=name):
            common = {"model": name, "epsilon": None, "seed": 0}
            results.add([common | row for row in judge.overall(tokens)])


def add_case(
    results: Results,
    judge: Judge,
    loaded: Loaded,
    name: str,
    settings: Mapping[str, Any],
    epsilon: float,
    seed: int,
    floor: Floor,
) -> None:
    """Train, generate, measure, save and show one case."""
    common = {"model": name, "epsilon": epsilon, "seed": seed, "delta": DELTA}
    copy, times = synthetic(name, settings, epsilon, seed, loaded)
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
            self.tokens, _ = synthetic(FLOOR, {}, self.epsilon, self.seed, self.loaded)
        return self.tokens


def load(protocol: Protocol, data: Path, size: int, test_from: int) -> Loaded:
    """Read and split the data; the training part's size is public."""
    schema = load_schema(protocol.folder / "schema.yaml").model_copy(update={"population": size})
    records, _ = read(protocol.files(data), schema)
    train, test = split(records, protocol.name, size, test_from)
    return Loaded(
        schema=schema, books=codec(schema), train=train, test=test, groups=protocol.groups(test)
    )


def split(records: Records, name: str, size: int, test_from: int) -> tuple[Records, Records]:
    """By the first 4 bytes of SHA-256 of "<name><key>"; the last patients test."""
    marks = [hashlib.sha256(f"{name}{key}".encode()).digest()[:4] for key in records.keys]
    order = np.array(sorted(range(len(marks)), key=marks.__getitem__))
    return records.take(np.sort(order[:size])), records.take(np.sort(order[test_from:]))


def per_model(
    names: list[str], pairs: list[str], ask: argparse.ArgumentParser
) -> dict[str, dict[str, Any]]:
    """Each model's settings: those that the `Settings` of its module names."""
    known = {name: _known(name) for name in names}
    found: dict[str, dict[str, Any]] = {name: {} for name in names}
    for pair in pairs:
        setting, equals, value = pair.partition("=")
        takers = [name for name in names if setting in known[name]]
        if not (equals and takers):
            ask.error(f"no model of {', '.join(names)} has a setting {pair!r}; give name=value")
        for name in takers:
            found[name][setting] = _number(value)
    return found


def _known(name: str) -> set[str]:
    settings = getattr(sys.modules[MODELS[name].__module__], "Settings", None)
    return {each.name for each in fields(settings)} if settings else set()


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def synthetic(
    name: str, settings: Mapping[str, Any], epsilon: float, seed: int, loaded: Loaded
) -> tuple[Tokens, dict[str, float]]:
    """Train, and generate twice as many patients; the last step, no selection."""
    torch.manual_seed(seed)
    schema, books = loaded.schema, loaded.books
    size = schema.population
    assert isinstance(size, int)
    promise = Budget(epsilon=epsilon, delta=DELTA, population=size)
    began = time.perf_counter()
    plan = MODELS[name].plan(schema, promise, 0.0, **settings)
    # Public data: the seed makes the row repeatable. A release would refuse it.
    door = Door(loaded.train, plan=plan, randomness=CryptoStream(insecure_seed=seed))
    door.use(books)
    model = MODELS[name](schema, books, plan, **settings)
    device = torch.device("cpu")
    with tempfile.TemporaryDirectory() as folder:
        model.fit(door, State(Path(folder) / "state"), quiet, device)
    trained = time.perf_counter()
    tokens = model.sample(2 * size, {}, seed, quiet, device)
    done = time.perf_counter()
    return tokens, {"train_s": trained - began, "generate_s": done - trained}
