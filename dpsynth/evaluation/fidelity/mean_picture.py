"""Mean pictures of classes: does what each class shows lie where it should?"""

from __future__ import annotations

import numpy as np

from dpsynth.evaluation.estimate import (
    REPLICATES,
    Estimate,
    bootstrap_estimate,
    not_assessable,
    patient_weights,
)
from dpsynth.evaluation.shown import Shown, small

SIDE = 32  # of the pictures compared, at most
ABSENT = 1.0  # distance of a class that the copy does not have: black from white
LEAST = 10  # real patients of a class, or it is left out


def mean_picture_distance(
    real: Shown, other: Shown, *, replicates: int = REPLICATES, seed: int = 0
) -> Estimate:
    """Root mean square distance between classes' mean pictures, averaged over classes.

    Scenario:
        Someone lays all pictures of a class over each other, real ones and synthetic ones, and
        compares pixel by pixel. A copy that shows the wrong thing for a class, or the same for
        all classes, is found; one whose pictures are all alike is not.

    Args:
        real: real pictures, usually the holdout; classes with fewer than 10 patients are left
            out.
        other: synthetic pictures, or real ones for the reference.
        replicates: bootstrap replicates over patients of both sets.
        seed: of the bootstrap.

    Returns:
        0: equal mean pictures; 1: black against white, or a class that is not there. Never 0
        between two real samples.

    Errors:
        No class with enough real patients: not assessable.
    """
    rng = np.random.default_rng(seed)
    weights = [patient_weights(each.patients, replicates, rng) for each in (real, other)]
    found = []
    for code in range(len(real.classes)):
        one, seen = _means(real, code, weights[0])
        if seen < LEAST:
            continue
        two, _ = _means(other, code, weights[1])
        apart = np.sqrt(np.square(one - two).mean(axis=1))
        found.append(np.where(np.isfinite(apart), apart, ABSENT))
    if not found:
        return not_assessable(f"no class with {LEAST} real patients", real.patients)
    values = np.mean(found, axis=0)
    return bootstrap_estimate(values, min(real.patients, other.patients), (0.0, 1.0))


def _means(given: Shown, code: int, weights: np.ndarray) -> tuple[np.ndarray, int]:
    """(replicates, features) mean pictures of a class, NaN where nobody has one; how many do."""
    here = np.flatnonzero(given.code == code)
    who, place = np.unique(given.patient[here], return_inverse=True)
    pixels = small(given.pixels[here], SIDE)
    own = np.zeros((len(who), pixels.shape[1]), dtype=np.float32)
    np.add.at(own, place, pixels)
    own /= np.maximum(np.bincount(place, minlength=len(who)), 1)[:, None]
    held = weights[:, who]
    with np.errstate(invalid="ignore", divide="ignore"):
        return (held @ own) / held.sum(axis=1, keepdims=True), len(who)
