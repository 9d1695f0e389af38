"""Does what canaries saw follow the law that the plan claims? Each check gives a p-value.

All checks are of canaries and noise alone. None uses the number of patients or a real batch, so
that their figures may be published.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

FINE = 13.0  # logarithm, about, of how many values a dispersion must be able to take


def spread(noise: np.ndarray) -> float:
    """Chance of a sum of squares as far out, if the noise is standard Gaussian.

    Args:
        noise: any shape, in units of the standard deviation that is owed.
    """
    return _both_sides(stats.chi2(noise.size), float(np.square(noise, dtype=np.float64).sum()))


def shape(noise: np.ndarray) -> float:
    """Kolmogorov-Smirnov against the standard Gaussian."""
    return float(stats.kstest(noise.reshape(-1).astype(np.float64), "norm").pvalue)


def repeats(noise: np.ndarray) -> float:
    """The strongest correlation of a step's noise with an earlier step's, over all lags.

    A generator that is set back draws what it has drawn before.

    Args:
        noise: (steps, canaries) standard Gaussian if the claim is right.

    Returns:
        Chance of a correlation as strong at any lag; 1 for a single step.
    """
    steps = len(noise)
    if steps < 2:
        return 1.0
    return _strongest(_lagged(noise.astype(np.float64)), np.sqrt(noise.shape[1]))


def neighbours(noise: np.ndarray) -> float:
    """The same over neighbouring weights within a step.

    Args:
        noise: (steps, canaries).
    """
    if noise.shape[1] < 2:
        return 1.0
    return _strongest(_lagged(noise.astype(np.float64).T), np.sqrt(len(noise)))


def _lagged(noise: np.ndarray) -> np.ndarray:
    """(lags,) sums of products of rows that far apart, each over the root of its number of rows."""
    rows = len(noise)
    spectrum = np.fft.rfft(noise, 2 * rows, axis=0)
    sums = np.fft.irfft(np.square(np.abs(spectrum)).sum(axis=1), 2 * rows)[1:rows]
    found: np.ndarray = sums / np.sqrt(np.arange(rows - 1, 0, -1))
    return found


def _strongest(sums: np.ndarray, scale: float) -> float:
    """Bonferroni over lags, where a product's tail is heavier than a Gaussian's.

    A sum of n products of independent standard Gaussians has a moment generating function of
    (1 - t^2)^(-n/2): Chernoff's bound with it holds for every n, unlike the central limit.
    """
    worst, least = float(np.abs(sums).max()) / scale, float(scale**2)
    # min over t of -n/2 log(1 - t^2) - t x, at x = sqrt(n) worst
    x = worst * np.sqrt(least)
    t = (np.sqrt(least**2 + 4 * x**2) - least) / (2 * x) if x > 0 else 0.0
    bound = 2 * np.exp(-least / 2 * np.log1p(-t * t) - t * x)
    return float(min(1.0, bound * len(sums)))


def frequency(present: np.ndarray, rate: float) -> float:
    """How often canaries that joined were in a batch, by the binomial law.

    Args:
        present: (steps, canaries that joined) bool.
        rate: claimed chance of each to be in each batch.
    """
    if not present.size:
        return 1.0
    law = stats.binom(present.size, rate)
    hits = int(present.sum())
    return float(min(1.0, 2 * min(law.cdf(hits), law.sf(hits - 1))))


def evenness(present: np.ndarray, rate: float) -> float:
    """Whether some canaries were there more often, or all more evenly, than Poisson sampling has.

    Shuffled batches give each its turn, so that counts hardly differ.

    Args:
        present: (steps, canaries that joined) bool.
        rate: claimed.
    """
    steps, canaries = present.shape
    return _dispersion(present.sum(axis=0), steps, rate) if canaries > 1 else 1.0


def company(present: np.ndarray, rate: float) -> float:
    """Whether the number of canaries in a batch varies as that of independent joiners.

    Args:
        present, rate: as in `evenness`.
    """
    steps, canaries = present.shape
    return _dispersion(present.sum(axis=1), canaries, rate) if steps > 1 and canaries else 1.0


def _dispersion(counts: np.ndarray, trials: int, rate: float) -> float:
    """Two-sided p of the sum of squares of binomial counts about their claimed mean.

    Held against the gamma law of its exact mean and variance: of one count, in units of the
    binomial variance v, they are 1 and 2 + (1 - 6 q (1 - q)) / v. Few counts, or counts that are
    nearly always the same, make too coarse a lattice for it: then this says nothing.
    """
    variance = trials * rate * (1 - rate)
    if variance == 0:
        return 1.0 if (counts == trials * rate).all() else 0.0
    if variance < 1 or len(counts) * np.log1p(variance) < FINE:
        return 1.0
    sums = float(np.square(counts - trials * rate).sum()) / variance
    scale = 2 + (1 - 6 * rate * (1 - rate)) / variance
    return _both_sides(stats.gamma(len(counts) / scale, scale=scale), sums)


def _both_sides(law: stats.rv_frozen, value: float) -> float:
    return float(min(1.0, 2 * min(law.cdf(value), law.sf(value))))
