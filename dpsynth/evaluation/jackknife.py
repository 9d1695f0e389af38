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
    values = [statistic(one[kept], other[kept]) for kept in left_out(n, rng)]
    return jackknife_estimate(np.array(values), n, (least, math.inf))


def left_out(n: int, rng: np.random.Generator) -> np.ndarray:
    """(GROUPS + 1, n) bool, who is kept: in row 0 everyone, in every other all but one group."""
    kept = np.ones((GROUPS + 1, n), dtype=bool)
    kept[rng.permutation(n) % GROUPS + 1, np.arange(n)] = False
    return kept


def jackknife_estimate(
    values: np.ndarray, n: int, bounds: tuple[float, float] = (-math.inf, math.inf)
) -> Estimate:
    """The estimate of (GROUPS + 1) values, of everyone and of all but each group: see above."""
    value, left = float(values[0]), values[1:]
    spread = math.sqrt((GROUPS - 1) / GROUPS * float(((left - left.mean()) ** 2).sum()))
    half = float(t.ppf(0.975, GROUPS - 1)) * spread
    low, high = max(value - half, bounds[0]), min(value + half, bounds[1])
    return Estimate(value, min(low, value), max(high, value), n)
