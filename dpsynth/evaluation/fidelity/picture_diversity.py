"""Are pictures of a class as different from each other as real ones are?"""

from __future__ import annotations

import math

import numpy as np
from scipy.spatial.distance import cdist

from dpsynth.evaluation.estimate import Estimate, not_assessable, subsample
from dpsynth.evaluation.fidelity.seen import Seen
from dpsynth.evaluation.jackknife import GROUPS, jackknife_estimate, left_out

LEAST = 2 * GROUPS  # real patients of a class, or it is left out
MOST = 1000  # patients of a class: every pair is compared


def picture_diversity(real: Seen, other: Seen, *, seed: int = 0) -> Estimate:
    """Mean distance of two pictures of a class, over that of two real ones, averaged over classes.

    Scenario:
        Someone turns over a stack of synthetic pictures of one diagnosis and finds that they
        all look like the first. Means and, in part, neighbourhoods may be right nevertheless.

    Args:
        real: one picture of each patient, usually held out; classes with fewer than `LEAST`
            patients are left out.
        other: those of the copy, or of other real patients for the reference.
        seed: of who is taken, where a class has more than `MOST`, and of the interval.

    Returns:
        1: as varied as real pictures; 0: one picture for each class, or none; some k pictures
        over and over have about 1 - 1 / k, and `picture_recall` finds them. Above 1: more
        varied, as where classes are mixed up; whether rightly so, `class_kid` tells.

    Errors:
        No class with enough real patients, or real pictures that are all alike: not assessable.

    NOTE(paper): the paper takes a structural similarity of pixels; ours is the distance of
    features, in the mean over all pairs instead of drawn ones.

    Reference: Odena, Olah, Shlens, Conditional image synthesis with auxiliary classifier GANs,
    ICML 2017 (similarity within a class as a measure of collapse).
    """
    rng, ratios, n = np.random.default_rng(seed), [], 0
    for code in range(len(real.classes)):
        one, two = (_some(each.of(code), rng) for each in (real, other))
        if len(one) < LEAST:
            continue
        usual = _apart(one, rng)
        if usual[0] > 0:
            ratios.append(_apart(two, rng) / usual)
            n += min(len(one), len(two))
    if not ratios:
        return not_assessable(f"no class with {LEAST} real patients whose pictures differ")
    return jackknife_estimate(np.mean(ratios, axis=0), n, (0.0, math.inf))


def _some(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rows[subsample(len(rows), MOST, rng)]


def _apart(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(GROUPS + 1,) mean distance of two rows, of all and of all but each group; 0 of one row."""
    kept = left_out(len(rows), rng).astype(np.float64)
    number = kept.sum(axis=1)
    total = np.einsum("gi,gi->g", kept @ cdist(rows, rows), kept)
    mean: np.ndarray = total / np.maximum(number * (number - 1), 1.0)
    return mean
