"""One boosted classifier, trained on one data set and asked about another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from dpsynth.evaluation.estimate import subsample
from dpsynth.evaluation.utility.task import Task

MOST_SAMPLES = 20_000  # samples to train on; more are drawn down at random
ONE_CLASS = "not assessable: the training label has one class only"


@dataclass(frozen=True, kw_only=True)
class Predicted:
    """Predictions on real holdout samples.

    Attributes:
        y: (samples,) true label, bool.
        score: (samples,) predicted chance of the label.
        patient: (samples,) patient of the sample.
        patients: number of holdout patients.
        threshold: the training label's share; scores above it are called positive.
        note: why the predictions mean nothing, if so.
    """

    y: np.ndarray
    score: np.ndarray
    patient: np.ndarray
    patients: int
    threshold: float
    note: str = ""


def classifier(seed: int) -> HistGradientBoostingClassifier:
    """The one classifier of all utility metrics, with settings that were never tuned on data."""
    return HistGradientBoostingClassifier(
        max_iter=100,
        learning_rate=0.08,
        max_leaf_nodes=15,
        min_samples_leaf=20,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )


def predict(train: Task, test: Task, *, seed: int = 0) -> Predicted:
    """Train on one task's samples, predict the other's.

    Errors:
        A training label with one class gives a constant score and a note, never a crash.
    """
    rng = np.random.default_rng(seed)
    used = train.take(subsample(len(train.y), MOST_SAMPLES, rng))
    share = float(used.y.mean()) if len(used.y) else 0.0
    score, note = np.full(len(test.y), share), ""
    if share in (0.0, 1.0):
        note = ONE_CLASS if len(used.y) else "not assessable: no training sample"
    elif len(test.y):
        # A column without any value carries nothing, and the binner warns of it.
        held = ~np.isnan(used.X).all(axis=0)
        if held.any():
            model = classifier(seed).fit(used.X[:, held], used.y)
            score = model.predict_proba(test.X[:, held])[:, 1]
    return Predicted(
        y=test.y,
        score=score,
        patient=test.patient,
        patients=test.patients,
        threshold=share,
        note=note,
    )


def uninformed(train: Task, test: Task) -> Predicted:
    """The control: always predict the training label's share. Its AUC is 0.5 exactly."""
    share = float(train.y.mean()) if len(train.y) else 0.0
    return Predicted(
        y=test.y,
        score=np.full(len(test.y), share),
        patient=test.patient,
        patients=test.patients,
        threshold=share,
    )
