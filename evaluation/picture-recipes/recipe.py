"""What a recipe is: it plans with public numbers, trains within a time, and draws pictures."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from dpsynth.privacy.budget import Budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.plan import Plan

PROBES = 3  # steps on made-up pictures that a step's time is taken from


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a recipe is told. All public.

    Attributes:
        size, channels, classes: of pictures.
        budget: of the run.
        limit_s: processor seconds for training.
        seed: of the networks.
    """

    size: int
    channels: int
    classes: int
    budget: Budget
    limit_s: float
    seed: int


class Recipe(Protocol):
    """One run of one recipe."""

    plan: Plan

    def __init__(self, task: Task) -> None:
        """Fix everything that will be asked, by public numbers and the speed of this machine."""

    def fit(self, door: Door) -> None:
        """Ask what the plan holds, and train."""

    def draw(self, codes: Tensor) -> Tensor:
        """(rows,) classes -> (rows, channels, size, size) pictures in [-1, 1]."""


def steps_within(seconds: float, step: Callable[[], object]) -> int:
    """How many such steps fit, by the mean time of a few on made-up rows; at least 1.

    Guarantee:
        A function of this machine's speed alone, where `step` holds nothing private.
    """
    step()  # the first one also warms caches
    began = time.process_time()
    for _ in range(PROBES):
        step()
    each = (time.process_time() - began) / PROBES
    return max(int(seconds / each), 1)
