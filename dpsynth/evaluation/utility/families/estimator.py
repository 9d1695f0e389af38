"""Classifiers in the manner of scikit-learn, on a plain matrix."""

from __future__ import annotations

import warnings
from typing import Any, Protocol

import numpy as np

from dpsynth.evaluation.utility.families.family import Ask
from dpsynth.evaluation.utility.families.plain import Plain
from dpsynth.evaluation.utility.task import Task


class Estimator(Protocol):
    """What scikit-learn calls a classifier."""

    def fit(self, X: np.ndarray, y: np.ndarray, /) -> Any:
        """Learn."""

    def predict_proba(self, X: np.ndarray, /) -> np.ndarray:
        """(samples, 2) chances of 0 and 1."""


def fit_estimator(model: Estimator, train: Task) -> Ask:
    """Train a classifier on a plain matrix and labels 0 and 1.

    Raises:
        ValueError: when asked, if it answers with something else than a chance per class.
    """
    plain = Plain(train.X, train.fields)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as a fixed number of steps, which is meant
        model.fit(plain(train.X), train.y.astype(np.int64))

    def ask(task: Task) -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            chances = np.asarray(model.predict_proba(plain(task.X)), dtype=np.float64)
        if chances.shape != (len(task.y), 2):
            raise ValueError(
                f"predict_proba must return (samples, 2) = ({len(task.y)}, 2), got {chances.shape}"
            )
        if not np.isfinite(chances).all():
            raise ValueError("predict_proba returned NaN or infinity; it must return chances")
        return chances[:, 1]

    return ask
