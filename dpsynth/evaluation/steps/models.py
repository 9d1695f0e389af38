"""The rows about models beyond the headline's: other kinds, their order, what they conclude."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from dpsynth.evaluation import utility
from dpsynth.evaluation.case import Case, Step
from dpsynth.evaluation.estimate import Estimate, not_assessable, subsample
from dpsynth.evaluation.evaluation import Row, row
from dpsynth.evaluation.steps.prediction import models, predictions, tasks
from dpsynth.evaluation.utility.coefficients import (
    Coefficients,
    coefficients,
    columns_of,
    design,
)
from dpsynth.evaluation.utility.contest import REPORT_PATIENTS, SAMPLES, contest
from dpsynth.evaluation.utility.families import families
from dpsynth.evaluation.utility.families.boosting import BOOSTING
from dpsynth.evaluation.utility.predictions import trained, uninformed
from dpsynth.evaluation.utility.task import Task

SEEDS = 3  # resamples of each side in the contest


def steps(case: Case) -> Iterator[Step]:
    """Four steps, if there is a label."""
    if case.schema.label is not None:
        yield "calibration", lambda: calibration_rows(case)
        yield "kinds of models", lambda: family_rows(case)
        yield "order of models", lambda: contest_rows(case)
        yield "conclusions", lambda: inference_rows(case)


def remarks(case: Case) -> list[str]:
    """Caps that took effect."""
    if case.schema.label is None:
        return []
    found, made = [], tasks(case)
    if max(made.train.patients, made.synthetic.patients) > REPORT_PATIENTS:
        found.append(
            f"for the order of models, each is trained on {REPORT_PATIENTS:,} patients, at random"
        )
    if len(made.holdout.y) > SAMPLES:
        found.append(f"kinds of models are judged on {SAMPLES:,} real samples, at random")
    return found


def calibration_rows(case: Case) -> list[Row]:
    """Whether chances are right, and how the copy and real data go together."""
    found, seed = [], case.seed
    from_copy, from_real, unknowing = predictions(case)
    halves = dataclasses.replace(unknowing, score=np.full(len(unknowing.y), 0.5))
    for name, metric in utility.CALIBRATION.items():
        value, real = (metric.measure(each, seed=seed) for each in (from_copy, from_real))
        control = Estimate(0.0, 0.0, 0.0, 0)
        if name == "tstr_calibration_intercept":
            control = metric.measure(halves, seed=seed)
        found.append(row(name, "utility", metric, value, real, control))
    made, (_, real_model) = tasks(case), models(case)
    both = dataclasses.replace(BOOSTING, samples=2 * BOOSTING.samples)
    # A copy whose labels say nothing: what real data lose by having it beside them.
    dealt = dataclasses.replace(made.synthetic, y=case.rng(33).permutation(made.synthetic.y))
    augmented, spoilt = (
        trained(_together(made.train, copy), family=both, seed=seed).predict(made.holdout)
        for copy in (made.synthetic, dealt)
    )
    answers = {
        "trts_auc": (real_model.predict(made.synthetic), from_real, unknowing),
        "augmented_auc": (augmented, from_real, spoilt),
    }
    for name, metric in utility.TRANSFER.items():
        measured = (metric.measure(each, seed=seed) for each in answers[name])
        found.append(row(name, "utility", metric, *measured))
    return found


def _together(real: Task, copy: Task) -> Task:
    """Samples of both to train on; trees read X alone, so visits are left behind."""
    return dataclasses.replace(
        real,
        X=np.concatenate([real.X, copy.X]),
        y=np.concatenate([real.y, copy.y]),
        patient=np.concatenate([real.patient, real.patients + copy.patient]),
        end=np.concatenate([real.end, copy.end]),
        patients=real.patients + copy.patients,
    )


def family_rows(case: Case) -> list[Row]:
    """AUC of each kind of model but the headline's."""
    made, found = tasks(case), []
    holdout = made.holdout.take(subsample(len(made.holdout.y), SAMPLES, case.rng(31)))
    for family, each in families(case.codec).items():
        metric = utility.FAMILIES.get(f"tstr_auc_{family}")
        if metric is None:
            continue
        answers = [
            trained(side, family=each, seed=case.seed).predict(holdout)
            for side in (made.synthetic, made.train)
        ]
        answers.append(uninformed(made.train, holdout))
        measured = (metric.measure(answer, seed=case.seed) for answer in answers)
        found.append(row(f"tstr_auc_{family}", "utility", metric, *measured))
    return found


def contest_rows(case: Case) -> list[Row]:
    """Whether models rank on the copy as on real data, and what a wrong pick costs."""
    made, seed = tasks(case), case.seed
    held = contest(
        made.train,
        made.synthetic,
        made.holdout,
        families(case.codec),
        seeds=SEEDS,
        most=REPORT_PATIENTS,
        seed=seed,
    )
    agreement, regret = utility.CONTEST["ranking_agreement"], utility.CONTEST["regret"]
    order, among = (
        agreement.measure(held.real, other, held.patients, seed=seed) for other in (held.copy, None)
    )
    by_copy, by_real, by_chance = (
        regret.measure(held.real, seen, held.patients, seed=seed)
        for seen in (held.seen_copy, held.seen_real, None)
    )
    shuffled = Estimate(0.0, 0.0, 0.0, 0)
    return [
        row("ranking_agreement", "utility", agreement, order, among, shuffled),
        row("regret", "utility", regret, by_copy, by_real, by_chance),
    ]


def inference_rows(case: Case) -> list[Row]:
    """Whether coefficients of a regression on the static columns are those of real patients."""
    made, rng = tasks(case), case.rng(32)
    fresh = made.train.take(_of_as_many(made.train, made.synthetic.patients, rng))
    shuffled = dataclasses.replace(fresh, y=rng.permutation(fresh.y))
    try:
        real = coefficients(made.holdout)
    except ValueError as error:
        none = not_assessable(str(error), made.holdout.patients)
        return [
            row(name, "utility", metric, none, none, none)
            for name, metric in utility.INFERENCE.items()
        ]
    places = columns_of(made.holdout, real)
    sides = [_fitted(each, places) for each in (made.synthetic, fresh, shuffled)]
    total, found = design(made.holdout)[0].shape[1], []
    for name, metric in utility.INFERENCE.items():
        measured = [
            not_assessable(side, made.holdout.patients)
            if isinstance(side, str)
            else metric.measure(real, [side], made.holdout.patients, seed=case.seed)
            for side in sides
        ]
        if measured[0].assessable and len(places) < total:
            note = f"of {len(places)} of {total} coefficients, which real patients determine"
            measured[0] = dataclasses.replace(measured[0], note=note)
        found.append(row(name, "utility", metric, *measured))
    return found


def _fitted(task: Task, places: np.ndarray) -> Coefficients | str:
    """Coefficients, or why there are none."""
    try:
        return coefficients(task, places)
    except ValueError as error:
        return str(error)


def _of_as_many(task: Task, patients: int, rng: np.random.Generator) -> np.ndarray:
    """Samples of at most so many patients."""
    kept = np.zeros(task.patients, dtype=bool)
    kept[subsample(task.patients, patients, rng)] = True
    return np.flatnonzero(kept[task.patient])
