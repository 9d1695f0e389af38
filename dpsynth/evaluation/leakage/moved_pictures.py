"""Copies of training pictures that were flipped or shifted, and are not found pixel by pixel."""

from __future__ import annotations

import math

import numpy as np

from dpsynth.evaluation.estimate import NORMAL_95, Estimate, not_assessable
from dpsynth.evaluation.leakage.near_pictures import Nearness, ratio_of

CLOSE = 0.5  # of the distance to the nearest other real picture: nearer is no chance


def near_ratio_moved(made: Nearness, *, seed: int = 0) -> Estimate:
    """`near_ratio` where each synthetic picture may be flipped and shifted to lie nearer.

    Args:
        made: distances in `flipped_and_shifted` views.
        seed: of the bootstrap and the halves.

    Returns, errors and reference: as `near_ratio`.
    """
    return ratio_of(made, rng=np.random.default_rng(seed))


def picture_copies(made: Nearness, *, seed: int = 0) -> Estimate:
    """Share of synthetic patients with a training picture, beyond what others' pictures explain.

    Scenario:
        An attacker lays each synthetic picture, also flipped and shifted, over all training
        pictures. Where one fits at less than half of the distance at which the best of as many
        other real pictures fits, they take it for a copy. A few copies, which the mean of
        `near_ratio` hides, are seen so one by one. How often the attacker is wrong, the same
        test of the other real pictures tells: that share is taken off.

    Args:
        made: distances in `flipped_and_shifted` views.
        seed: not used; the interval is that of a difference of paired shares, with one patient
            more, so that no patient at all is no certainty.

    Returns:
        0: no synthetic patient, or no more than by chance, when it may also fall below; 1: every
        one. Only copies of those training patients count who are among the members compared.

    Errors:
        As `near_ratio`.

    Reference: Carlini et al., Extracting training data from diffusion models, USENIX Security
    2023 (a distance held against those to other pictures).
    """
    if made.note:
        return not_assessable(made.note, made.synthetic.patients)
    near, other = made.to_members.min(axis=1), made.to_outsiders.min(axis=1)
    who = made.synthetic.patient
    copied, wrong = np.unique(who[near < CLOSE * other]), np.unique(who[other < CLOSE * near])
    n = len(np.unique(who))
    value = (len(copied) - len(wrong)) / n
    apart = len(np.setxor1d(copied, wrong))
    half = NORMAL_95 * math.sqrt(((apart + 1) / (n + 1) - value**2 * n / (n + 1)) / n)
    return Estimate(value, max(value - half, -1.0), min(value + half, 1.0), n)
