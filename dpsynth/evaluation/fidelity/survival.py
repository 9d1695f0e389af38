"""Do as many patients live as long? Curves of survival, by scikit-survival."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from dpsynth.data.records import Records
from dpsynth.evaluation.estimate import Estimate, bootstrap_estimate, not_assessable
from dpsynth.schema import Survival

INSTALL = "pip install 'dpsynth[survival]'"
REPLICATES = 100  # a curve of 5,000 patients takes a hundredth of a second
LEAST = 10  # patients of a data set for a curve

Curve = Callable[..., tuple[np.ndarray, np.ndarray]]


def estimator() -> Curve | None:
    """scikit-survival's Kaplan-Meier estimator of (event, time), or none if not installed."""
    try:
        module: Any = importlib.import_module("sksurv.nonparametric")
    except ImportError:
        return None
    curve: Curve = module.kaplan_meier_estimator
    return curve


def survival_distance(
    real: Records,
    other: Records,
    survival: Survival,
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Estimate:
    """Mean distance between two Kaplan-Meier curves.

    Scenario:
        Someone draws the curve of survival of the copy beside the real one. The area between
        them is divided by the width of the picture, which ends at the last time of a real
        patient; a curve that ends before goes on level. Patients whose time or event is missing
        are left out. The event is taken to be the only way to end but for leaving: whoever
        leaves early is as likely to have it later as others.

    Args:
        real: the real patients compared with, usually the holdout.
        other: synthetic patients, or real ones for the reference.
        survival: the schema's columns of the time and of the event.
        replicates: bootstrap replicates over patients of both sets.
        seed: of the bootstrap.

    Returns:
        0: the same curve; 1: everybody dies at once in one, and nobody in the other.

    Errors:
        Fewer than LEAST patients with both in a data set, no event among real ones, or
        scikit-survival is not installed: not assessable.

    Reference: Kaplan and Meier, Nonparametric estimation from incomplete observations, J. Am.
    Stat. Assoc. 53, 1958.
    """
    curve = estimator()
    if curve is None:
        return not_assessable(f"needs scikit-survival: {INSTALL}", len(other))
    (event, time), (event_2, time_2) = (_observed(each, survival) for each in (real, other))
    if min(len(time), len(time_2)) < LEAST:
        return not_assessable(f"fewer than {LEAST} patients with a time", len(time_2))
    if not event.any() or not time.max() > 0:
        return not_assessable("no real patient has the event", len(time_2))
    rng, end = np.random.default_rng(seed), float(time.max())
    values = []
    for turn in range(replicates + 1):
        a, b = (np.arange(len(each)) for each in (time, time_2))
        if turn:
            a, b = rng.integers(0, len(a), len(a)), rng.integers(0, len(b), len(b))
        curves = curve(event[a], time[a]), curve(event_2[b], time_2[b])
        values.append(area_between(*curves, end) / end)
    return bootstrap_estimate(np.array(values), len(time_2), (0.0, 1.0))


def area_between(
    one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray], end: float
) -> float:
    """Area between two curves that fall in steps, each as times and the level from there on.

    Both are 1 before their first time and keep their last level.
    """
    points = np.unique(np.concatenate([[0.0, end], one[0], other[0]]))
    points = points[points <= end]
    levels = [
        np.concatenate([[1.0], level])[np.searchsorted(time, points[:-1], side="right")]
        for time, level in (one, other)
    ]
    return float((np.abs(levels[0] - levels[1]) * np.diff(points)).sum())


def _observed(records: Records, survival: Survival) -> tuple[np.ndarray, np.ndarray]:
    """Events and times of patients who have both, none before 0."""
    time = records.static[survival.time].to_numpy(dtype=np.float64)
    event = records.static[survival.event]
    known = np.isfinite(time) & event.notna().to_numpy()
    return (event == "true").to_numpy()[known], np.maximum(time[known], 0.0)
