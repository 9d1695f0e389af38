"""Would an analyst conclude from the copy what real patients say?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from dpsynth.evaluation.estimate import (
    REPLICATES,
    Estimate,
    bootstrap_estimate,
    not_assessable,
)
from dpsynth.evaluation.utility.coefficients import Coefficients, combined

Intervals = tuple[np.ndarray, np.ndarray, np.ndarray]  # middles and ends, (draws, coefficients)


def coefficient_overlap(
    real: Coefficients,
    copies: Sequence[Coefficients],
    patients: int,
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Estimate:
    """How far 95 % intervals of coefficients from the copy and from real patients overlap.

    Scenario:
        An analyst fits a logistic regression of the label on the static columns to the copy
        and publishes coefficients with intervals. For each: the share of the real interval
        that lies in the copy's, and the other way round, halved and added; the mean of all.

    Args:
        real: coefficients from real patients.
        copies: the same of each copy, usually one; several are combined by Reiter's rules.
        patients: behind `real`.
        replicates: of the interval: coefficients are drawn anew with their standard errors
            over patients, in place of hundreds of regressions on resampled patients.
        seed: of these draws.

    Returns:
        1: the same intervals; 0: none overlap. Fresh patients reach about 0.7, not 1. A
        coefficient that the copy doesn't determine (nobody of a category) counts 0.

    Errors:
        No coefficient that real patients determine: not assessable.

    Reference: Karr, Kohnen, Oganian, Reiter, Sanil, A framework for evaluating the utility of
    data altered to protect confidentiality, The American Statistician 60, 2006. NOTE(paper):
    intervals apart count 0, where the formula falls below it.
    """
    return _compared(real, copies, patients, replicates, seed, _overlap)


def interval_coverage(
    real: Coefficients,
    copies: Sequence[Coefficients],
    patients: int,
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Estimate:
    """Share of real coefficients that lie inside the copy's 95 % intervals.

    Args:
        real, copies, patients, replicates, seed: as of `coefficient_overlap`.

    Returns:
        1: all; 0: none. Fresh patients, as many, reach about 0.83, since real coefficients
        are estimates themselves. A coefficient that the copy doesn't determine is outside.

    Errors:
        No coefficient that real patients determine: not assessable.
    """
    return _compared(real, copies, patients, replicates, seed, _inside)


def _compared(
    real: Coefficients,
    copies: Sequence[Coefficients],
    patients: int,
    replicates: int,
    seed: int,
    share: Callable[[Intervals, Intervals], np.ndarray],
) -> Estimate:
    copy, kept = combined(copies), real.known
    if not kept.any():
        return not_assessable("real patients determine no coefficient", patients)
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((2, replicates + 1, len(kept)))
    noise[:, 0] = 0
    sides: list[Intervals] = []
    for each, drawn in zip((real, copy), noise, strict=True):
        middle, half = each.value + drawn * each.error, each.factor * each.error
        sides.append((middle[:, kept], (middle - half)[:, kept], (middle + half)[:, kept]))
    # What the copy doesn't determine is NaN here, and no comparison with it holds.
    return bootstrap_estimate(share(sides[0], sides[1]).mean(axis=1), patients, (0.0, 1.0))


def _overlap(real: Intervals, copy: Intervals) -> np.ndarray:
    _, low, high = real
    _, copy_low, copy_high = copy
    common = np.maximum(np.minimum(high, copy_high) - np.maximum(low, copy_low), 0)
    return np.nan_to_num((common / (high - low) + common / (copy_high - copy_low)) / 2)


def _inside(real: Intervals, copy: Intervals) -> np.ndarray:
    return ((copy[1] <= real[0]) & (real[0] <= copy[2])).astype(float)
