"""Intervals of statistics of two samples that a bootstrap would bias."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.stats import t

from dpsynth.evaluation.estimate import Estimate

GROUPS = 20


def jackknifed(
    statistic: Callable[[np.ndarray, np.ndarray], float],
    one: np.ndarray,
    other: np.ndarray,
    rng: np.random.Generator,
    *,
    least: float = -math.inf,
) -> Estimate:
    """A statistic of two samples of one size, with the interval of the delete-a-group jackknife.

    Drawing with replacement puts the same row into a sample twice, and distances take twins for
    structure. Leaving out a twentieth of both samples, twenty times, makes no twins.

    Args:
        statistic: of two samples with equally many rows.
        one, other: (n, ...) rows in any order, independent of each other; n is at least twice
            `GROUPS`.
        rng: who is left out with whom.
        least: bound below.

    Returns:
        The statistic of all rows; its 95 % interval by Student's law of `GROUPS` - 1 degrees.

    Reference: Kott, The delete-a-group jackknife, J. Official Statistics 17, 2001.
    """
    n = len(one)
    if len(other) != n or n < 2 * GROUPS:
        raise ValueError(
            f"samples must have one size, at least {2 * GROUPS}, got {n}, {len(other)}"
        )
    value = statistic(one, other)
    group = rng.permutation(n) % GROUPS
    left = np.array([statistic(one[group != g], other[group != g]) for g in range(GROUPS)])
    spread = math.sqrt((GROUPS - 1) / GROUPS * float(((left - left.mean()) ** 2).sum()))
    half = float(t.ppf(0.975, GROUPS - 1)) * spread
    return Estimate(value, max(value - half, min(least, value)), value + half, n)
