"""The rows about prediction: models from the copy and from real data, judged on real patients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dpsynth.data.codec import Tokens
from dpsynth.evaluation import utility
from dpsynth.evaluation.case import Case, Step
from dpsynth.evaluation.estimate import subsample
from dpsynth.evaluation.evaluation import Row, row
from dpsynth.evaluation.utility.predictions import Predicted, Trained, predict, trained, uninformed
from dpsynth.evaluation.utility.task import Task, task

TRAINED = 20_000  # patients to train the predicting models on, at most
REFITS = 10  # of the model from the copy and of that from real patients, on resampled patients
JUDGED = 10_000  # holdout patients that they are judged on, at most


@dataclass(frozen=True, kw_only=True)
class Tasks:
    """The schema's label as samples of each data set.

    Attributes:
        synthetic, train, holdout: samples.
        copied, trained, judged: the patients that they are of, in the same order.
    """

    synthetic: Task
    train: Task
    holdout: Task
    copied: Tokens
    trained: Tokens
    judged: Tokens


def steps(case: Case) -> Iterator[Step]:
    """One step, if there is a label."""
    if case.schema.label is not None:
        yield "prediction", lambda: rows(case)


def remarks(case: Case) -> list[str]:
    """Caps that took effect, and a label that is not there."""
    found = []
    if max(len(case.train), len(case.synthetic)) > TRAINED:
        found.append(f"models are trained on {TRAINED:,} patients, at random")
    if len(case.holdout) > JUDGED:
        found.append(f"models are judged on {JUDGED:,} holdout patients, at random")
    if case.schema.label is None:
        found.append("the schema names no label, so usefulness for prediction is not measured")
    return found


def tasks(case: Case) -> Tasks:
    """The samples, drawn once; only where the schema names a label."""
    return case.once("tasks", _tasks)


def _tasks(case: Case) -> Tasks:
    label, rng = case.schema.label, case.rng(3)
    assert label is not None
    caps = (TRAINED, TRAINED, JUDGED)
    sides = [
        each.take(subsample(len(each), most, rng)) if len(each) > most else each
        for each, most in zip((case.synthetic, case.train, case.holdout), caps, strict=True)
    ]
    made, train, test = (task(each.records, case.codec, label) for each in sides)
    copied, trained, judged = (each.tokens for each in sides)
    return Tasks(
        synthetic=made, train=train, holdout=test, copied=copied, trained=trained, judged=judged
    )


def predictions(case: Case) -> tuple[Predicted, Predicted, Predicted]:
    """For real holdout patients: by a model from the copy, from real data, by the control."""
    return case.once("predictions", _predictions)


def _predictions(case: Case) -> tuple[Predicted, Predicted, Predicted]:
    made = tasks(case)
    from_copy, from_real = (model.predict(made.holdout) for model in models(case))
    return from_copy, from_real, uninformed(made.train, made.holdout)


def models(case: Case) -> tuple[Trained, Trained]:
    """The headline's models: from the copy, and from real data."""
    return case.once("boosted models", _models)


def _models(case: Case) -> tuple[Trained, Trained]:
    made = tasks(case)
    return trained(made.synthetic, seed=case.seed), trained(made.train, seed=case.seed)


def retrained(case: Case) -> Predicted:
    """By a model from a resample of the real training patients: what training's chance does."""
    return case.once("retrained", lambda known: _again(known, tasks(known).train, 1, 81)[0])


def refits(case: Case) -> tuple[list[Predicted], list[Predicted]]:
    """By models trained again, of the copy and of real patients: what training's chance does."""
    return case.once("refits", _refits)


def _refits(case: Case) -> tuple[list[Predicted], list[Predicted]]:
    made = tasks(case)
    return _again(case, made.synthetic, REFITS, 84), _again(case, made.train, REFITS, 85)


def unprotected_refits(case: Case) -> list[Predicted]:
    """The same, of the copy without noise."""
    return case.once("unprotected refits", _unprotected_refits)


def _unprotected_refits(case: Case) -> list[Predicted]:
    made = _unprotected_task(case)
    return [] if made is None else _again(case, made, REFITS, 86)


def _again(case: Case, train: Task, times: int, purpose: int) -> list[Predicted]:
    """By models each trained on a task's patients, drawn with replacement."""
    rng, found = case.rng(purpose), []
    for _ in range(times):
        # A copy without patients has nobody to draw, and no sample to repeat.
        drawn = rng.integers(0, max(train.patients, 1), train.patients)
        often = np.bincount(drawn, minlength=train.patients)[train.patient]
        again = train.take(np.repeat(np.arange(len(train.y)), often))
        found.append(predict(again, tasks(case).holdout, seed=case.seed))
    return found


def unprotected(case: Case) -> Predicted | None:
    """By a model from the copy without noise, if there is one."""
    return case.once("unprotected", _unprotected)


def _unprotected(case: Case) -> Predicted | None:
    made = _unprotected_task(case)
    return None if made is None else predict(made, tasks(case).holdout, seed=case.seed)


def _unprotected_task(case: Case) -> Task | None:
    label, side = case.schema.label, case.unprotected
    if side is None or label is None:
        return None
    side = side.take(subsample(len(side), TRAINED, case.rng(82)))
    return task(side.records, case.codec, label)


def rows(case: Case) -> list[Row]:
    """All metrics that judge a model from the copy on real patients."""
    answers, found = predictions(case), []
    for name, metric in utility.METRICS.items():
        value, real, control = (metric.measure(each, seed=case.seed) for each in answers)
        found.append(row(name, "utility", metric, value, real, control))
    return found
