"""Kernel distance between pictures, as a small network of our own sees them."""

from __future__ import annotations

import numpy as np
import torch

from dpsynth.evaluation.estimate import Estimate, not_assessable, subsample
from dpsynth.evaluation.fidelity.picture_features import features
from dpsynth.evaluation.jackknife import GROUPS, jackknifed

MOST = 2000  # pictures of each kind
FEWEST = 2 * GROUPS


def kid(real: np.ndarray, other: np.ndarray, *, seed: int = 0) -> Estimate:
    """Squared maximum mean discrepancy of features, with the cubic kernel (x'y / width + 1)^3.

    Scenario:
        Someone lays real and synthetic pictures side by side and asks whether their looks are
        spread alike. Both are seen through one small network that was trained on phantoms (see
        `picture_features`): values compare copies of one data set, and mean nothing beside
        values of other networks.

    Args:
        real: (n, size, size, channels) uint8, one picture of each patient, usually held out.
        other: those of the copy, or of other real patients for the reference.
        seed: of who is taken, where one side has more, and of the interval.

    Returns:
        0: spread alike; the estimate has no bias, so it may fall below 0. n of each side. Where
        both are spread alike indeed, the interval is too narrow: hold the value against that
        of other real patients.

    Errors:
        Fewer than `FEWEST` pictures on a side: not assessable.

    Reference: Binkowski et al., Demystifying MMD GANs, ICLR 2018.
    """
    pair = as_many(real, other, seed)
    if len(pair[0]) < FEWEST:
        return not_assessable(f"fewer than {FEWEST} pictures", len(pair[0]))
    return features_kid(*(features(each) for each in pair), seed=seed)


def features_kid(real: np.ndarray, other: np.ndarray, *, seed: int = 0) -> Estimate:
    """`kid` of (n, width) features, where they are known."""
    one, two = as_many(real, other, seed)
    if len(one) < FEWEST:
        return not_assessable(f"fewer than {FEWEST} pictures", len(one))
    return jackknifed(discrepancy, one, two, np.random.default_rng(seed))


def discrepancy(real: np.ndarray, other: np.ndarray) -> float:
    """The unbiased estimate from (n, width) features of each, in float64."""
    from torchmetrics.image.kid import poly_mmd  # takes a second: not before it is needed

    return float(poly_mmd(torch.from_numpy(real), torch.from_numpy(other)))


def as_many(real: np.ndarray, other: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Equally many of both, at most `MOST`, drawn without replacement."""
    rng, n = np.random.default_rng(seed), min(len(real), len(other), MOST)
    return real[subsample(len(real), n, rng)], other[subsample(len(other), n, rng)]
