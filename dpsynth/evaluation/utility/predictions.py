"""Predictions of one model: trained on one data set and asked about another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dpsynth.evaluation.estimate import subsample
from dpsynth.evaluation.utility.families.boosting import BOOSTING
from dpsynth.evaluation.utility.families.family import Ask, Family
from dpsynth.evaluation.utility.task import Task

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


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A model that may be asked about several data sets.

    Attributes:
        ask: the model; where it means nothing, it answers with `share`.
        share: the training label's share.
        note: why it means nothing, if so.
    """

    ask: Ask
    share: float
    note: str = ""

    def predict(self, test: Task) -> Predicted:
        """Its predictions for the samples of a task."""
        return Predicted(
            y=test.y,
            score=self.ask(test) if len(test.y) else np.zeros(0),
            patient=test.patient,
            patients=test.patients,
            threshold=self.share,
            note=self.note,
        )


def trained(train: Task, *, family: Family = BOOSTING, seed: int = 0) -> Trained:
    """Train one kind of model on a task's samples.

    Errors:
        A training label with one class gives a constant score and a note, never a crash.
    """
    rng = np.random.default_rng(seed)
    used = train.take(subsample(len(train.y), family.samples, rng))
    share = float(used.y.mean()) if len(used.y) else 0.0
    if share in (0.0, 1.0):
        note = ONE_CLASS if len(used.y) else "not assessable: no training sample"
        return Trained(ask=lambda task: np.full(len(task.y), share), share=share, note=note)
    return Trained(ask=family.fit(used, seed), share=share)


def predict(train: Task, test: Task, *, seed: int = 0) -> Predicted:
    """Train the headline's classifier on one task's samples, predict the other's.

    Errors:
        A training label with one class gives a constant score and a note, never a crash.
    """
    return trained(train, seed=seed).predict(test)


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
