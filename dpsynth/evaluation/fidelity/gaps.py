"""Time between visits, from the records' own times rather than from bins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from dpsynth.data.codec import Codec
from dpsynth.data.records import Records
from dpsynth.evaluation.estimate import (
    REPLICATES,
    Estimate,
    bootstrap_estimate,
    not_assessable,
    patient_weights,
)

POINTS = 1000  # places at which distribution functions are compared, at most


@dataclass(frozen=True)
class Gaps:
    """Gaps of one data set, each patient's weighing 1 together.

    Attributes:
        who: (gaps,) patient of each gap.
        gap: (gaps,) time since the visit before, in the clock's unit.
        patients: number of patients, with or without a gap.
    """

    who: np.ndarray
    gap: np.ndarray
    patients: int


def gaps_of(records: Records, codec: Codec) -> Gaps:
    """Gaps between the first `max_visits` visits of each patient."""
    frame = records.visits
    if not len(frame):
        return Gaps(np.empty(0, dtype=np.int64), np.empty(0), len(records))
    who = frame["patient"].to_numpy().astype(np.int64)
    time = frame["time"].to_numpy(dtype=np.float64)
    turn = frame.groupby("patient", sort=False).cumcount().to_numpy()
    gap = np.diff(time, prepend=np.nan)
    kept = (turn > 0) & (turn < codec.max_visits) & np.isfinite(gap)
    return Gaps(who[kept], gap[kept], len(records))


def gap_ks(
    real: Records, other: Records, codec: Codec, *, replicates: int = REPLICATES, seed: int = 0
) -> Estimate:
    """Kolmogorov-Smirnov distance between times from one visit to the next.

    Scenario:
        Someone asks which share of visits follows within t days, for the worst t. Each
        patient weighs the same, however many visits they have. With more than POINTS
        distinct gaps, t runs over POINTS quantiles of both data sets.

    Args:
        real: the real patients compared with, usually the holdout.
        other: synthetic patients, or real ones for the reference.
        codec: for the public maximum number of visits.
        replicates: bootstrap replicates over patients of both sets.
        seed: of the bootstrap.

    Returns:
        0: gaps are distributed alike; 1: all gaps of one lie below all of the other.

    Errors:
        No real patient with two visits: not assessable. No synthetic one: 1, with a note.
    """
    a, b = gaps_of(real, codec), gaps_of(other, codec)
    if not len(a.gap):
        return not_assessable("no real patient has two visits", len(other))
    if not len(b.gap):
        return Estimate(1.0, 1.0, 1.0, len(other), "no synthetic patient has two visits")
    _, apart = gap_functions(a, b, replicates, seed)
    return bootstrap_estimate(np.abs(apart).max(axis=0), len(other), (0.0, 1.0))


def gap_wasserstein(
    real: Records, other: Records, codec: Codec, *, replicates: int = REPLICATES, seed: int = 0
) -> Estimate:
    """Wasserstein distance between times from one visit to the next, in the clock's unit.

    Scenario:
        By how many days, on average, must visits be moved until the gaps are distributed as
        in real data? Arguments and weights as in `gap_ks`.

    Returns:
        0: gaps are distributed alike; no upper end.

    Errors:
        No patient with two visits in either data set: not assessable.
    """
    a, b = gaps_of(real, codec), gaps_of(other, codec)
    if not len(a.gap) or not len(b.gap):
        return not_assessable("a data set without a second visit", len(other))
    points, apart = gap_functions(a, b, replicates, seed)
    values = (np.abs(apart[:-1]) * np.diff(points)[:, None]).sum(axis=0)
    return bootstrap_estimate(values, len(other), (0.0, np.inf))


def gap_functions(a: Gaps, b: Gaps, replicates: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points, and the difference of both distribution functions there for every replicate.

    Shape:
        points: (points,) increasing, at most POINTS
        difference: (points, replicates + 1), the data as they are first
    """
    points = np.unique(np.concatenate([a.gap, b.gap]))
    if len(points) > POINTS:
        points = np.unique(
            np.quantile(np.concatenate([a.gap, b.gap]), np.linspace(0, 1, POINTS), method="lower")
        )
    rng = np.random.default_rng(seed)
    made = []
    for each in (a, b):
        weights = patient_weights(each.patients, replicates, rng)
        shares = 1.0 / np.bincount(each.who, minlength=each.patients)[each.who]
        place = np.searchsorted(points, each.gap, side="left")
        shape = (len(points), each.patients)
        mass = csr_matrix((shares.astype(np.float32), (place, each.who)), shape=shape) @ weights.T
        total = mass.sum(axis=0)
        total[total == 0] = np.nan
        made.append(np.cumsum(mass, axis=0) / total)
    return points, made[0] - made[1]
