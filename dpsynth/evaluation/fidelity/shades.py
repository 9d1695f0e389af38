"""Shades of pictures: is the copy as bright and as full of contrast as real pictures?"""

from __future__ import annotations

import numpy as np

from dpsynth.evaluation.estimate import (
    REPLICATES,
    Estimate,
    bootstrap_estimate,
    not_assessable,
    patient_weights,
)
from dpsynth.evaluation.shown import Shown

BINS = 32  # of the 256 shades


def shade_tv(real: Shown, other: Shown, *, replicates: int = REPLICATES, seed: int = 0) -> Estimate:
    """Total variation between histograms of shades, averaged over colours.

    Scenario:
        Someone pools the pixels of all pictures of a set, each patient counted as one, and
        compares how often each of 32 shades occurs. Where pixels lie plays no part.

    Args:
        real: real pictures, usually the holdout.
        other: synthetic pictures, or real ones for the reference.
        replicates: bootstrap replicates over patients of both sets.
        seed: of the bootstrap.

    Returns:
        0: equal histograms; 1: no shade in common. Never 0 between two real samples: hold the
        value against that of other real patients.

    Errors:
        A set without pictures: not assessable.
    """
    if not len(real) or not len(other):
        return not_assessable("no pictures", min(len(real), len(other)))
    rng = np.random.default_rng(seed)
    shares = []
    for each in (real, other):
        table = _histograms(each)
        weights = patient_weights(each.patients, replicates, rng)
        pooled = weights @ table.reshape(each.patients, -1)
        pooled = pooled.reshape(len(weights), *table.shape[1:])
        shares.append(pooled / np.maximum(pooled.sum(axis=2, keepdims=True), 1e-30))
    values = np.abs(shares[0] - shares[1]).sum(axis=2).mean(axis=1) / 2
    return bootstrap_estimate(values, min(real.patients, other.patients), (0.0, 1.0))


def _histograms(given: Shown) -> np.ndarray:
    """(patients, channels, BINS) each patient's shares of shades; 0 without pictures."""
    channels = given.pixels.shape[3]
    found = np.zeros((given.patients, channels, BINS))
    bins = (given.pixels // (256 // BINS)).reshape(len(given), -1, channels)
    for row, (patient, weight) in enumerate(zip(given.patient, given.weight, strict=True)):
        for colour in range(channels):
            counts = np.bincount(bins[row, :, colour], minlength=BINS)
            found[patient, colour] += weight * counts / bins.shape[1]
    return found
