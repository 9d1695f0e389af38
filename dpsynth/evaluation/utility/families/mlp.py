"""A small network of two layers."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from dpsynth.evaluation.utility.boosting import Chances
from dpsynth.evaluation.utility.families.prepared import prepared
from dpsynth.evaluation.utility.task import Task

WIDTH = 32
ROUNDS = 20  # through the training samples
PULL = 0.01  # of weights to zero


def mlp(train: Task, *, seed: int) -> Chances:
    """One hidden layer on standardised numbers and dummies, for a fixed number of rounds."""
    table = prepared(train)
    model = MLPClassifier((WIDTH,), alpha=PULL, max_iter=ROUNDS, tol=0.0, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the rounds are fixed
        model.fit(table(train.X), train.y)

    def chances(task: Task) -> np.ndarray:
        return model.predict_proba(table(task.X))[:, 1]

    return chances
