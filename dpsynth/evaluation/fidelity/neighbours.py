"""Where the copy's patients lie among real ones: precision, recall, density and coverage.

Patients are points (see `summaries`). The ball of a patient reaches to the K-th nearest other
patient of the same data set; the balls of all of them together are the data set's manifold.

References: Kynkaanniemi et al., Improved precision and recall metric, NeurIPS 2019; Naeem et al.,
Reliable fidelity and diversity metrics for generative models, ICML 2020.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.metrics.pairwise import euclidean_distances

from dpsynth.data.codec import Codec, Tokens
from dpsynth.evaluation.estimate import Estimate, not_assessable, subsample
from dpsynth.evaluation.fidelity.summaries import summaries
from dpsynth.evaluation.jackknife import GROUPS, jackknifed

PATIENTS = 1000  # of each kind, at most: every patient is held against every other
FEWEST = 2 * GROUPS  # of each kind
K = 5  # NOTE(paper): that of Naeem et al. for all four; Kynkaanniemi et al. take 3
REMEMBERED = 4 * K  # nearest of each patient: leaving out a twentieth of all leaves K of them
ROUNDING = 1e-9  # squared distance of equal patients, of columns with variance 1


@dataclass(frozen=True, kw_only=True)
class Balls:
    """The nearest patients of each patient within one data set, nearest first.

    Attributes:
        who: (n, REMEMBERED) positions.
        far: (n, REMEMBERED) squared distances.
    """

    who: np.ndarray
    far: np.ndarray

    def radii(self, kept: np.ndarray) -> np.ndarray:
        """(n,) squared distance to the K-th nearest of those kept, a mask of patients."""
        reached = kept[self.who].cumsum(axis=1) >= K
        return self.far[np.arange(len(self.far)), reached.argmax(axis=1)]


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """Two data sets of n patients each.

    Attributes:
        real, other: balls of each.
        across: (n, n) squared distances from real patients, in rows, to others.
        note: a caveat for the reader.
    """

    real: Balls
    other: Balls
    across: np.ndarray
    note: str = ""

    @property
    def turned(self) -> Neighbours:
        """The same with their roles exchanged."""
        return Neighbours(real=self.other, other=self.real, across=self.across.T, note=self.note)


def neighbours(real: Tokens, other: Tokens, codec: Codec, *, seed: int = 0) -> Neighbours | None:
    """As many patients of both kinds, drawn at random, PATIENTS at most; none if under FEWEST."""
    rng, n = np.random.default_rng(seed), min(len(real), len(other), PATIENTS)
    if n < FEWEST:
        return None
    real, other = (each.take(subsample(len(each), n, rng)) for each in (real, other))
    x, y = summaries(real, other, codec)
    note = f"{n:,} patients of each kind" if n == PATIENTS else ""
    across = euclidean_distances(x, y, squared=True)
    return Neighbours(real=balls(x), other=balls(y), across=across, note=note)


def balls(points: np.ndarray) -> Balls:
    """The nearest others of each of (n, axes) points."""
    far = euclidean_distances(points, squared=True)
    np.fill_diagonal(far, np.inf)
    who = np.argsort(far, axis=1, kind="stable")[:, :REMEMBERED]
    return Balls(who=who, far=np.take_along_axis(far, who, axis=1))


def precision(made: Neighbours | None, *, seed: int = 0) -> Estimate:
    """Share of the other patients that lie in the ball of a real one.

    Scenario:
        Someone draws a patient of the copy and asks whether such a patient could be real: is
        there a real one no further away than real ones of that kind are from each other?

    Args:
        made: the holdout with the copy, or with other real patients; none: too few of a kind.
        seed: of who is left out with whom for the interval.

    Returns:
        1: every patient lies among real ones; 0: none does. Real patients reach less than 1,
        and one odd real patient has a large ball: `density` is less easily pleased.

    Errors:
        Fewer than FEWEST patients of a kind: not assessable.
    """
    return _estimate(lambda inside: inside.any(axis=0).mean(), made, seed)


def recall(made: Neighbours | None, *, seed: int = 0) -> Estimate:
    """Share of real patients that lie in the ball of another patient.

    Scenario:
        Someone draws a real patient and asks whether the copy could have made such a one.
        Arguments and errors as in `precision`.

    Returns:
        1: every real patient lies among those of the copy; 0: none does. A copy that is spread
        too wide has large balls: `coverage` is less easily pleased.
    """
    return precision(made and made.turned, seed=seed)


def density(made: Neighbours | None, *, seed: int = 0) -> Estimate:
    """In how many balls of real patients one of the others lies, over K.

    Scenario:
        As `precision`, but the copy's patients should lie where many real ones do. Arguments
        and errors as there.

    Returns:
        0: far from all of them. Real patients reach 1 on average, and more where many are equal
        and share the edge of a ball; a copy that knows ordinary patients only reaches more.
    """
    return _estimate(lambda inside: inside.sum(axis=0).mean() / K, made, seed, most=math.inf)


def coverage(made: Neighbours | None, *, seed: int = 0) -> Estimate:
    """Share of real patients with another patient in their ball.

    Scenario:
        As `recall`, but by the balls of real patients, which the copy can't stretch. Arguments
        and errors as in `precision`.

    Returns:
        1: someone near every real patient; 0: nobody near any. For patients of one population
        1 - 2^-K on average (0.97), a little more in small samples.
    """
    return _estimate(lambda inside: inside.any(axis=1).mean(), made, seed)


def _estimate(
    figure: Callable[[np.ndarray], float], made: Neighbours | None, seed: int, most: float = 1.0
) -> Estimate:
    """A figure of who lies in whose ball, (real, other) bool, with its interval over patients.

    Leaving patients out, since drawing them twice would make twins. The interval is cautious:
    about twice as wide as it must be where nearly everyone lies in a ball.
    """
    if made is None:
        return not_assessable(f"fewer than {FEWEST} patients of a kind")
    n, given = len(made.across), made

    def of(real: np.ndarray, other: np.ndarray) -> float:
        radii = given.real.radii(np.isin(everyone, real))
        inside = given.across <= radii[:, None] + ROUNDING
        return float(figure(inside[np.ix_(real, other)]))

    everyone, rng = np.arange(n), np.random.default_rng(seed)
    found = jackknifed(of, everyone, everyone, rng, least=0.0)
    high = max(min(found.high, most), found.value)
    return Estimate(found.value, found.low, high, n, made.note)
