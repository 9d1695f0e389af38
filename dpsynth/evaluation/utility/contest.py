"""A contest of models: each trained on real patients and on the copy, several times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from dpsynth.evaluation.estimate import (
    REPLICATES,
    Estimate,
    bootstrap_estimate,
    not_assessable,
    patient_weights,
    subsample,
    weighted_auc,
)
from dpsynth.evaluation.utility.families.family import Family
from dpsynth.evaluation.utility.predictions import trained
from dpsynth.evaluation.utility.task import Task

SAMPLES = 10_000  # real samples that models are judged on, at most
REPORT_PATIENTS = 1500  # to train on in a report, at most: each model is trained six times
ONE_CLASS = "the holdout's label has one class only"

Told = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Contest:
    """What models reached.

    Attributes:
        names: the models that could be trained everywhere.
        real, copy: (replicates + 1, models, seeds) AUC on real holdout patients of models
            trained on resamples of real patients and of the copy; [0] is the data's own, the
            rest are the same resamples of holdout patients for all.
        seen_real, seen_copy: (models, seeds) AUC on those of the training patients that the
            resample left out: what somebody with these data only can see.
        patients: in the holdout.
        failed: what went wrong with the other models, by name.
    """

    names: tuple[str, ...]
    real: np.ndarray
    copy: np.ndarray
    seen_real: np.ndarray
    seen_copy: np.ndarray
    patients: int
    failed: Mapping[str, str] = field(default_factory=dict)


def contest(
    real: Task,
    copy: Task,
    holdout: Task,
    models: Mapping[str, Family],
    *,
    seeds: int = 3,
    most: int | None = None,
    replicates: int = REPLICATES,
    seed: int = 0,
    told: Told | None = None,
    set_aside: tuple[type[Exception], ...] = (),
) -> Contest:
    """Train every model on `seeds` resamples of patients of each side, and judge all.

    A resample draws as many patients as there are, with replacement, so that also a model
    without chance of its own comes out differently. It leaves out about 37 % of patients: on
    these a model is judged as its owner would, at no further cost.

    Args:
        real, copy: samples to train on.
        holdout: real samples to be judged on; at most SAMPLES are used.
        models: kinds of models by name.
        seeds: resamples of each side.
        most: patients of each side to draw from; none: all.
        replicates: bootstrap replicates over holdout patients.
        seed: of everything random.
        told: called with a model's name before it is trained.
        set_aside: errors that end a model's part and not the contest, for models of others.
    """
    rng = np.random.default_rng(seed)
    holdout = holdout.take(subsample(len(holdout.y), SAMPLES, rng))
    weights = patient_weights(holdout.patients, replicates, rng)[:, holdout.patient]
    sides = [_resamples(side, seeds, most, rng) for side in (real, copy)]
    found, failed = {}, {}
    for name, family in models.items():
        if told:
            told(name)
        try:
            found[name] = [_side(family, each, holdout, weights, seed) for each in sides]
        except set_aside as error:
            failed[name] = f"{type(error).__name__}: {error}"
    shape = (replicates + 1, 0, seeds)
    aucs = [[each[side][0] for each in found.values()] for side in (0, 1)]
    seen = [[each[side][1] for each in found.values()] for side in (0, 1)]
    return Contest(
        names=tuple(found),
        real=np.stack(aucs[0], axis=1) if found else np.zeros(shape),
        copy=np.stack(aucs[1], axis=1) if found else np.zeros(shape),
        seen_real=np.array(seen[0]).reshape(-1, seeds),
        seen_copy=np.array(seen[1]).reshape(-1, seeds),
        patients=holdout.patients,
        failed=failed,
    )


def reached(aucs: np.ndarray, patients: int) -> Estimate:
    """One model's AUC, the mean over its seeds; the interval is over holdout patients.

    Shape:
        aucs: (replicates + 1, seeds)

    Errors:
        One class in the holdout: not assessable.
    """
    if not np.isfinite(aucs[0]).all():
        return not_assessable(ONE_CLASS, patients)
    return bootstrap_estimate(aucs.mean(axis=1), patients, (0.0, 1.0))


def _resamples(
    side: Task, seeds: int, most: int | None, rng: np.random.Generator
) -> list[tuple[Task, Task]]:
    """For each seed the samples of drawn patients, and those of patients left out."""
    who = np.arange(side.patients)
    if most is not None:
        who = subsample(side.patients, most, rng)
    order = np.argsort(side.patient, kind="stable")
    counts = np.bincount(side.patient, minlength=side.patients)
    ends = np.cumsum(counts)
    made = []
    for _ in range(seeds):
        times = np.zeros(side.patients, dtype=np.int64)
        if len(who):
            np.add.at(times, rng.choice(who, len(who)), 1)
        out = np.zeros(side.patients, dtype=bool)
        out[who] = times[who] == 0
        repeated = np.repeat(np.arange(side.patients), times)
        drawn = [order[ends[each] - counts[each] : ends[each]] for each in repeated]
        taken = np.concatenate(drawn) if drawn else np.zeros(0, dtype=np.int64)
        left = np.flatnonzero(out[side.patient])
        left = left[subsample(len(left), SAMPLES, rng)]
        made.append((side.take(taken), side.take(left)))
    return made


def _side(
    family: Family,
    resamples: list[tuple[Task, Task]],
    holdout: Task,
    weights: np.ndarray,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """AUCs on the holdout, (replicates + 1, seeds), and on those left out, (seeds,)."""
    aucs, seen = [], []
    for turn, (drawn, left) in enumerate(resamples):
        model = trained(drawn, family=family, seed=seed + turn)
        aucs.append(weighted_auc(holdout.y, model.predict(holdout).score, weights))
        score, ones = model.predict(left).score, np.ones((1, len(left.y)), dtype=np.float32)
        seen.append(float(weighted_auc(left.y, score, ones)[0]) if len(left.y) else np.nan)
    return np.stack(aucs, axis=1), np.array(seen)
