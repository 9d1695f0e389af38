"""A GAN whose generator reads real data, and the check that is meant for it: poison.

While the generator takes its step, every real record at the door is replaced by another. A
generator that learns from the critic alone leaves the same model, bit by bit.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor
from toy import SCHEMA, people

from dpsynth.data.codec import codec
from dpsynth.models import duel
from dpsynth.models.base import quiet
from dpsynth.models.duel import Duel
from dpsynth.models.state import State
from dpsynth.models.table_gan import TableGan
from dpsynth.models.warm import fitting, start
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.noise import CryptoStream

PATIENTS, RUNS = 60, 5  # whole trainings, so fewer of them
SMALL = {"steps": 4, "critic_steps": 2, "generated": 16, "batch": 8, "width": 8, "critic_width": 3}
CHECK = "poison: the generator's step leaves the same, whatever the real records are"


class Fixed(torch.Generator):
    """Where the system would seed it, gets the same seed each time."""

    def seed(self) -> int:
        self.manual_seed(3)
        return 3


def poison_shows(seed: int, *, peeking: bool) -> bool:
    """Whether poison during the generator's step changes what is learnt.

    Args:
        seed: of patients, noise and networks.
        peeking: plant the fault: the generator's loss looks at one real record.
    """
    clean, poisoned = (_learnt(seed, peeking, poison=poison) for poison in (False, True))
    return any(not torch.equal(clean[name], poisoned[name]) for name in clean)


def _learnt(seed: int, peeking: bool, *, poison: bool) -> dict[str, Tensor]:
    """A run with fixed noise."""
    budget = Budget(epsilon=5.0, delta=1e-3, population=PATIENTS)
    plan, books = TableGan.plan(SCHEMA, budget, 0.0, **SMALL), codec(SCHEMA)
    with tempfile.TemporaryDirectory() as folder, repeatable(seed), ExitStack() as stack:
        torch.manual_seed(seed)
        door = Door(people(PATIENTS, seed), plan=plan, randomness=CryptoStream(insecure_seed=seed))
        door.use(books)
        model = TableGan(SCHEMA, books, plan, **SMALL)
        if peeking:
            stack.enter_context(mock.patch.object(duel, "generator_loss", _peek(door)))
        if poison:
            stack.enter_context(mock.patch.object(Duel, "learn_generator", _poisoned(door)))
        model.fit(door, State(Path(folder) / "state"), quiet, torch.device("cpu"))
        return {name: value.clone() for name, value in model.tensors().items()}


def _peek(door: Door) -> Any:
    honest = duel.generator_loss

    def loss(critic: Any, record: Any, game: Any) -> Tensor:
        return honest(critic, record, game) * (1 + door._rows[0][0, 0])

    return loss


def _poisoned(door: Door) -> Any:
    honest = Duel.learn_generator

    def learn(self: Any, *args: Any) -> None:
        kept = [part.clone() for part in door._rows]
        for part in door._rows:
            part.copy_(torch.where(part >= 0, 1 - part.clamp(max=1), part))
        try:
            honest(self, *args)
        finally:
            for part, before in zip(door._rows, kept, strict=True):
                part.copy_(before)

    return learn


@contextmanager
def repeatable(seed: int) -> Iterator[None]:
    """Everything random of a training is the same at each run; the warm start's fit is rough."""
    seeded = np.random.default_rng
    with (
        mock.patch.object(np.random, "default_rng", lambda given=seed: seeded(given)),
        mock.patch.object(torch, "Generator", Fixed),
        mock.patch.object(start, "ROUNDS", 2),
        mock.patch.object(start, "SUMMARIES", 400),
        mock.patch.object(fitting, "PATIENTS", 200),
    ):
        yield
