"""A small run through the real door, honest or with a fault planted in it, and its verdict."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from dpsynth.data.codec import codec
from dpsynth.data.records import Records
from dpsynth.privacy import door as door_module
from dpsynth.privacy.audit import Auditor, Canaries, Transcript, Verdict, judged
from dpsynth.privacy.audit.verdict import ALPHA
from dpsynth.privacy.door import Door
from dpsynth.privacy.draws import RowDraws
from dpsynth.privacy.noise import CryptoStream
from dpsynth.privacy.plan import DPSGD, Plan, Release
from dpsynth.privacy.query import Query, Slot
from dpsynth.schema import Column, Schema, Table

PATIENTS = 1000
CATEGORY = Column(type="category", categories=("a", "b"), missing=False)
SCHEMA = Schema(
    name="toy",
    tables={
        "patients": Table(shape="static", key="id", columns={"one": CATEGORY, "other": CATEGORY})
    },
)
PLAN = Plan(
    epsilon=5.0,
    delta=1e-5,
    population=PATIENTS,
    releases=(Release(name="tables", noise_multiplier=2.0),),
    training=DPSGD(
        noise_multiplier=1.0,
        clip_norm=0.5,
        sample_rate=0.1,
        expected_batch=100.0,
        steps=150,
        views=2,
    ),
)


class Net(nn.Module):
    """Predicts the other column from the one."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.out = nn.Embedding(2, 4), nn.Linear(4, 2)

    def forward(self, one: Tensor) -> Tensor:
        return self.out(self.embed(one))


class Guess:
    """Cross-entropy of the other column."""

    def prepare(self, rows: tuple[Tensor, ...], draws: RowDraws) -> tuple[Tensor, ...]:
        return rows[0][:, 0], rows[0][:, 1]

    def loss(self, model: Any, one: Tensor, other: Tensor) -> Tensor:
        return nn.functional.cross_entropy(model(one), other, reduction="none")


def people(many: int, seed: int) -> Records:
    """Two columns that have nothing to do with each other."""
    rng = np.random.default_rng(seed)
    facts = pd.DataFrame({name: rng.choice(["a", "b"], many) for name in ("one", "other")})
    keys = np.array([f"p{i}" for i in range(many)], dtype=object)
    return Records(keys, facts, pd.DataFrame({"patient": [], "time": []}))


def verdict(stream: CryptoStream, seed: int) -> Verdict:
    """One audited run with that source of noise."""
    records = people(PATIENTS, seed)
    torch.manual_seed(seed)
    net = Net()
    with tempfile.TemporaryDirectory() as folder:
        transcript = Transcript(Path(folder) / "seen.jsonl", Canaries.thrown(PLAN))
        door = Door(records, plan=PLAN, randomness=stream, auditor=Auditor(transcript))
        door.use(codec(SCHEMA))
        door.measure("tables", [Query((Slot("static", 0),)), Query((Slot("static", 1),))])
        for _ in range(PLAN.training.steps):
            door.step(net, Guess())
        return judged(transcript, PLAN)


def moved(records: Records, place: int) -> float:
    """Neighbour replay: how far a step's sum moves, in clipping norms, if one patient is left out.

    Noise is silent and everybody joins.
    """
    sums = []
    for joining in (range(len(records)), [i for i in range(len(records)) if i != place]):
        torch.manual_seed(0)
        net = Net()
        door = Door(records, plan=PLAN, randomness=Silent(joining))
        door.use(codec(SCHEMA))
        door.step(net, Guess())
        sums.append(torch.cat([p.grad.flatten() for p in net.parameters()]))
    move = float((sums[0] - sums[1]).norm()) * PLAN.training.expected_batch
    return move / PLAN.training.clip_norm


def replay_sees(changed: Callable[[], Any], seed: int) -> bool:
    """Whether some patient of a few moves the sum by more than the norm."""
    records = people(8, seed)
    with changed():
        return max(moved(records, place) for place in range(len(records))) > 1


def failed(found: Verdict) -> set[str]:
    """Names of the checks that contradict the claim."""
    return {f.name for f in found.findings if f.p < ALPHA / len(found.findings)}


class Silent(CryptoStream):
    """No noise; those join who are told to."""

    def __init__(self, joining: Sequence[int]) -> None:
        super().__init__()
        self.joining = np.array(joining, dtype=np.int64)

    def normal(self, size: int) -> np.ndarray:
        return np.zeros(size)

    def join(self, patients: int, rate: float) -> np.ndarray:
        return self.joining


class Weak(CryptoStream):
    """Noise that is 0.7 of what it should be."""

    def normal(self, size: int) -> np.ndarray:
        return 0.7 * super().normal(size)


class Repeating(CryptoStream):
    """A generator of noise that is set back before every draw."""

    def normal(self, size: int) -> np.ndarray:
        return CryptoStream(insecure_seed=1).normal(size)


class Turns(CryptoStream):
    """Shuffled batches: everybody once in an epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.left: list[np.ndarray] = []

    def join(self, patients: int, rate: float) -> np.ndarray:
        if not self.left:
            order = np.argsort(self.uniform(patients))
            self.left = [np.sort(part) for part in np.array_split(order, round(1 / rate))]
        return self.left.pop()


class Doubled(CryptoStream):
    """Twice as many patients in a step as was paid for."""

    def join(self, patients: int, rate: float) -> np.ndarray:
        return super().join(patients, 2 * rate)


@contextmanager
def loose() -> Iterator[None]:
    """Clipping at twice the norm."""
    honest = door_module.clipped_sum

    def twice(*args: Any, clip_norm: float, **more: Any) -> dict[str, Tensor]:
        return honest(*args, clip_norm=2 * clip_norm, **more)

    with mock.patch.object(door_module, "clipped_sum", twice):
        yield


@contextmanager
def one_layer_free() -> Iterator[None]:
    """One layer whose gradients go in as they are, four times as large as their part."""
    honest = door_module.clipped_sum

    def free(*args: Any, **more: Any) -> dict[str, Tensor]:
        sums = honest(*args, **more)
        return {n: s * 4 if n.endswith("out.weight") else s for n, s in sums.items()}

    with mock.patch.object(door_module, "clipped_sum", free):
        yield


# What is planted: the stream, what else is changed, and the check that has to see it.
FAULTS: dict[str, tuple[type[CryptoStream], Callable[[], Any], str]] = {
    "noise of 0.7": (Weak, nullcontext, "noise of the steps: size"),
    "noise of 0.7 in a release": (Weak, nullcontext, "noise of tables: size"),
    "clipping at twice the norm": (
        CryptoStream,
        loose,
        "a step tells no more of a canary than claimed",
    ),
    "shuffled batches": (Turns, nullcontext, "sampler: not in turns"),
    "a noise generator that is set back": (
        Repeating,
        nullcontext,
        "noise of the steps: no repeats",
    ),
    "a doubled batch": (Doubled, nullcontext, "sampler: how often"),
}
