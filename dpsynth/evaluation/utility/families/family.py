"""What a kind of model is: it learns from one task, and is then asked about others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from dpsynth.evaluation.utility.task import Task


class Ask(Protocol):
    """A trained model."""

    def __call__(self, task: Task, /) -> np.ndarray:
        """(samples,) predicted chance of the label."""


class Fit(Protocol):
    """How a model is trained."""

    def __call__(self, train: Task, seed: int, /) -> Ask:
        """Learn from samples of both classes; the seed fixes everything random."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """A kind of model, with settings that were never tuned on data.

    Attributes:
        title: for the reader.
        fit: how it is trained.
        samples: to train on at most; more are drawn down at random.
    """

    title: str
    fit: Fit
    samples: int
