"""Logistic regression: what a clinical score is made with."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from dpsynth.evaluation.utility.boosting import Chances
from dpsynth.evaluation.utility.families.prepared import prepared
from dpsynth.evaluation.utility.task import Task

PULL = 0.1  # inverse strength of the pull to zero
ROUNDS = 200  # of the fit, at most


def linear(train: Task, *, seed: int) -> Chances:
    """Logistic regression with a pull to zero, on standardised numbers and dummies."""
    table = prepared(train)
    model = LogisticRegression(C=PULL, max_iter=ROUNDS, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the rounds are fixed
        model.fit(table(train.X), train.y)

    def chances(task: Task) -> np.ndarray:
        return model.predict_proba(table(task.X))[:, 1]

    return chances
