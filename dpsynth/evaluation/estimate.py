"""A measured value with its uncertainty, and the bootstrap over patients behind it.

The patient is the unit everywhere: all of a patient's visits are drawn together. A bootstrap
replicate is a vector of patient weights, so that a metric that sums contributions of patients
gets all replicates by one product instead of by resampling records.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

REPLICATES = 200
NORMAL_95 = 1.959963984540054  # 97.5 % quantile of the standard normal


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval.

    Attributes:
        value: the point estimate; NaN if it can't be assessed, and then `note` says why.
        low, high: 95 % interval over patients; it always holds `value`.
        n: how many patients (or records, where the metric says so) the value rests on.
        note: a caveat for the reader, empty if there is none.
    """

    value: float
    low: float
    high: float
    n: int
    note: str = ""

    @property
    def assessable(self) -> bool:
        """Whether there is a value."""
        return math.isfinite(self.value)


def not_assessable(why: str, n: int = 0) -> Estimate:
    """An estimate without a value."""
    return Estimate(math.nan, math.nan, math.nan, n, why)


def patient_weights(patients: int, replicates: int, rng: np.random.Generator) -> np.ndarray:
    """Bootstrap weights of patients, (replicates + 1, patients), float32.

    Row 0 is all ones (the data as they are); every other row is one multinomial draw of
    `patients` patients with replacement.
    """
    weights = np.ones((replicates + 1, patients), dtype=np.float32)
    if patients:
        for row in weights[1:]:
            row[:] = np.bincount(rng.integers(0, patients, patients), minlength=patients)
    return weights


def bootstrap_estimate(
    values: np.ndarray,
    n: int,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    note: str = "",
) -> Estimate:
    """The estimate of replicated values: values[0] is the data's own, the rest replicates.

    The interval is the replicates' 2.5 % and 97.5 % quantiles, moved so that their median
    lies on the value. Distances between distributions are biased upwards by resampling, so
    that the plain percentile interval can lie wholly above the value; this one can't.
    Replicates that could not be computed (NaN) are left out.
    """
    value = float(values[0])
    if not math.isfinite(value):
        return not_assessable(note or "too few records", n)
    rest = values[1:][np.isfinite(values[1:])]
    if not len(rest):
        return Estimate(value, value, value, n, note)
    low, middle, high = np.quantile(rest, [0.025, 0.5, 0.975])
    low, high = value + min(low - middle, 0.0), value + max(high - middle, 0.0)
    clipped = np.clip([low, high], *bounds)
    return Estimate(value, float(min(clipped[0], value)), float(max(clipped[1], value)), n, note)


def wilson(hits: int, n: int, note: str = "") -> Estimate:
    """A share with its Wilson score interval.

    Reference: E. B. Wilson, Probable inference, J. Am. Stat. Assoc. 22, 1927.
    """
    if n <= 0:
        return not_assessable(note or "no records", 0)
    z2, share = NORMAL_95**2, hits / n
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = NORMAL_95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    low, high = max(middle - half, 0.0), min(middle + half, 1.0)
    return Estimate(share, min(low, share), max(high, share), n, note)


def subsample(patients: int, cap: int, rng: np.random.Generator) -> np.ndarray:
    """At most `cap` positions out of `patients`, drawn without replacement, in order."""
    if patients <= cap:
        return np.arange(patients)
    return np.sort(rng.choice(patients, cap, replace=False))


def weighted_auc(y: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Area under the ROC curve for every row of weights; ties count one half.

    Shape:
        y: (samples,) bool
        score: (samples,) higher means more likely positive
        weights: (replicates, samples)
        return: (replicates,), NaN where one class has no weight
    """
    if not len(y):
        return np.full(len(weights), np.nan)
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.diff(score[order], prepend=np.nan) != 0)
    sums = weights[:, order].astype(np.float64)
    positive = np.add.reduceat(sums * y[order], starts, axis=1)
    negative = np.add.reduceat(sums * ~y[order], starts, axis=1)
    beaten = np.cumsum(negative, axis=1) - negative / 2
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(pairs > 0, (positive * beaten).sum(axis=1) / pairs, np.nan)
