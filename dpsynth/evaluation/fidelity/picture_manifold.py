"""Do pictures lie where real ones lie, and everywhere where they lie?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from dpsynth.evaluation.estimate import Estimate, not_assessable, subsample
from dpsynth.evaluation.fidelity.seen import Seen
from dpsynth.evaluation.jackknife import GROUPS, jackknife_estimate, left_out

NEAREST = 3  # neighbours that a neighbourhood reaches to, as in the first paper
MOST = 1000  # pictures of each kind: every pair is compared
FEWEST = 2 * GROUPS
TOO_FEW = f"fewer than {FEWEST} pictures"


@dataclass(frozen=True, kw_only=True)
class Neighbourhoods:
    """How two sets of as many rows lie among each other.

    Each row's neighbourhood is the ball that reaches to its k-th nearest row of its own set.
    All fields are (GROUPS + 1,): of everyone, and of all but each group in turn; empty where
    there are too few rows.

    Attributes:
        precision: share of others that lie in a neighbourhood of a real row.
        recall: share of real rows that lie in a neighbourhood of another.
        density: real neighbourhoods that another lies in, on average, over k.
        coverage: share of real rows with another in their neighbourhood.
        n: rows of each set.
    """

    precision: np.ndarray
    recall: np.ndarray
    density: np.ndarray
    coverage: np.ndarray
    n: int


def picture_neighbourhoods(real: Seen, other: Seen, *, seed: int = 0) -> Neighbourhoods:
    """Neighbourhoods of features, of at most `MOST` pictures of each kind, drawn by `seed`."""
    rng, n = np.random.default_rng(seed), min(len(real), len(other), MOST)
    one, two = (each.features[subsample(len(each), n, rng)] for each in (real, other))
    return neighbourhoods(one, two, NEAREST, rng)


def neighbourhoods(
    real: np.ndarray, other: np.ndarray, k: int, rng: np.random.Generator
) -> Neighbourhoods:
    """How two sets lie among each other, for the delete-a-group jackknife.

    A bootstrap would put rows in twice, and a twin is the nearest neighbour of its twin.

    Args:
        real, other: (n, width) of each set, as many; rows are independent.
        k: neighbours that a neighbourhood reaches to; at least 1.
        rng: who is left out with whom.
    """
    n = len(real)
    if n < FEWEST or len(other) != n:
        return _as_found(np.empty((0, 4)), n)
    across, own = cdist(real, other), [cdist(real, real), cdist(other, other)]
    found = np.empty((GROUPS + 1, 4))
    for row, kept in enumerate(left_out(n, rng)):
        # Its own distance, 0, is the first: the k-th neighbour is at place k.
        radius = [np.partition(each[kept][:, kept], k, axis=1)[:, k] for each in own]
        apart = across[kept][:, kept]
        among_real = apart <= radius[0][:, None]
        found[row] = (
            among_real.any(axis=0).mean(),
            (apart <= radius[1]).any(axis=1).mean(),
            among_real.sum(axis=0).mean() / k,
            among_real.any(axis=1).mean(),
        )
    return _as_found(found, n)


def _as_found(found: np.ndarray, n: int) -> Neighbourhoods:
    """From (values, 4), in the order of the fields."""
    precision, recall, density, coverage = found.T
    return Neighbourhoods(
        precision=precision, recall=recall, density=density, coverage=coverage, n=n
    )


def picture_precision(made: Neighbourhoods) -> Estimate:
    """Share of synthetic pictures that lie among real ones.

    Scenario:
        Someone asks whether a synthetic picture could be real: whether its features lie within
        the neighbourhood of a real picture of the holdout. It is blind to what the copy lacks:
        one good picture, repeated, has 1.

    Args:
        made: see `picture_neighbourhoods`.

    Returns:
        1: all could be real; 0: none. Other real pictures have less than 1.

    Errors:
        Fewer than `FEWEST` pictures on a side: not assessable.

    Reference: Kynkäänniemi et al., Improved precision and recall metric for assessing
    generative models, NeurIPS 2019.
    """
    return _estimate(made.precision, made.n)


def picture_recall(made: Neighbourhoods) -> Estimate:
    """Share of real pictures that lie among synthetic ones.

    Scenario:
        Someone asks whether the copy could have shown a real picture: whether the features of
        one of the holdout lie within the neighbourhood of a synthetic picture. Pictures spread
        too widely have wide neighbourhoods, and a high recall: `picture_coverage` has not.

    Returns:
        1: all are within reach; 0: none. Arguments, errors and reference: `picture_precision`.
    """
    return _estimate(made.recall, made.n)


def picture_density(made: Neighbourhoods) -> Estimate:
    """How many real neighbourhoods a synthetic picture lies in, over how many are expected.

    Scenario:
        As `picture_precision`, but a single strange real picture, whose neighbourhood is wide,
        counts little: a synthetic picture must lie where real ones are many.

    Returns:
        1: about as real pictures; 0: far from all. Above 1: nearer to the middle than real ones.
        Arguments and errors: `picture_precision`.

    Reference: Naeem et al., Reliable fidelity and diversity metrics for generative models,
    ICML 2020.
    """
    return _estimate(made.density, made.n, np.inf)


def picture_coverage(made: Neighbourhoods) -> Estimate:
    """Share of real pictures with a synthetic one in their neighbourhood.

    Scenario:
        As `picture_recall`, but the neighbourhoods are those of real pictures, so that strange
        synthetic ones cover nothing.

    Returns:
        1: all are covered; 0: none. Other real pictures cover about 1 - 1 / 2^`NEAREST`.
        Arguments and errors: `picture_precision`. Reference: `picture_density`.
    """
    return _estimate(made.coverage, made.n)


def _estimate(values: np.ndarray, n: int, most: float = 1.0) -> Estimate:
    return jackknife_estimate(values, n, (0.0, most)) if len(values) else not_assessable(TOO_FEW, n)
