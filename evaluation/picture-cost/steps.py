"""A private step beside the plain step of the same network, taking turns inside one training."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import numpy as np
import torch

from dpsynth.data.codec import Codec, codec
from dpsynth.data.demonstration import Demonstration
from dpsynth.data.reader import read
from dpsynth.models import MODELS
from dpsynth.models.base import quiet
from dpsynth.models.state import State
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.draws import RowDraws
from dpsynth.privacy.noise import CryptoStream
from dpsynth.privacy.plan import DPSGD

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from copies import per_model

EPSILON, DELTA, SEED = 3.0, 1e-5, 0


class EnoughError(Exception):
    """So many steps were timed."""


class Beside:
    """A door whose every step is followed by a plain one on as many made-up pictures.

    The gradients that the door left are put back after it, so training goes its own way.
    """

    def __init__(self, door: Door, books: Codec, training: DPSGD, rounds: int) -> None:
        self._door, self._training, self._rounds = door, training, rounds
        self._rows = made_up(books, int(training.expected_batch))
        self.ratios: list[float] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._door, name)

    def step(self, net: torch.nn.Module, objective: Any, *more: Any) -> None:
        """One of each; the first of all is for warming up."""
        private = _busy(lambda: self._door.step(net, objective, *more))
        held = [None if p.grad is None else p.grad.clone() for p in net.parameters()]
        plain = _busy(lambda: self._plain(net, objective))
        for parameter, gradient in zip(net.parameters(), held, strict=True):
            parameter.grad = gradient
        self.ratios.append(private / plain)
        if len(self.ratios) > self._rounds:
            raise EnoughError

    def _plain(self, net: torch.nn.Module, objective: Any) -> None:
        patients, views = len(self._rows[0]), self._training.views
        index = torch.arange(patients).repeat_interleave(views)
        draws = RowDraws(torch.arange(patients), SEED, views)
        ready = objective.prepare(tuple(part[index] for part in self._rows), draws)
        net.zero_grad()
        objective.loss(net, *ready).mean().backward()


def ratio(name: str, shown: Demonstration, rounds: int, pairs: list[str]) -> dict[str, object]:
    """The median over steps with its quartiles, by processor time on one thread."""
    settings = per_model([name], pairs, None)[name] if pairs else {}
    size = shown.schema.population
    assert isinstance(size, int)
    promise = Budget(epsilon=EPSILON, delta=DELTA, population=size)
    plan, books = MODELS[name].plan(shown.schema, promise, 0.0, **settings), codec(shown.schema)
    assert plan.training is not None
    # Phantoms: the seed makes the row repeatable. A release would refuse it.
    door = Door(
        read([*shown.data], shown.schema)[0],
        plan=plan,
        randomness=CryptoStream(insecure_seed=SEED),
    )
    door.use(books)
    beside = Beside(door, books, plan.training, rounds)
    with tempfile.TemporaryDirectory() as folder:
        try:
            model = MODELS[name](shown.schema, books, plan, **settings)
            model.fit(beside, State(Path(folder) / "state"), quiet, torch.device("cpu"))  # type: ignore[arg-type]
        except EnoughError:
            pass
    found = beside.ratios[1:]
    low, _, high = quantiles(found, n=4)
    return {
        "metric": "step_ratio",
        "value": round(median(found), 3),
        "low": round(low, 3),
        "high": round(high, 3),
        "n": int(plan.training.expected_batch),
        "k": plan.training.views,
    }


def made_up(books: Codec, patients: int) -> tuple[torch.Tensor, ...]:
    """Patients of one picture each, as a step takes them."""
    picture = books.picture
    assert picture is not None
    static = torch.zeros(patients, len(books.static), dtype=torch.long)
    visits = torch.zeros(patients, books.max_visits, len(books.visit), dtype=torch.long)
    shape = patients, books.max_visits, picture.size, picture.size, picture.channels
    pictures = np.random.default_rng(SEED).integers(0, 256, shape, np.uint8)
    return static, visits, torch.ones(patients, dtype=torch.long), torch.from_numpy(pictures)


def _busy(step: Callable[[], None]) -> float:
    began = time.process_time()
    step()
    return time.process_time() - began
