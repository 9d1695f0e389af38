"""Copies of training pictures that were flipped or shifted, and are not found pixel by pixel."""

from __future__ import annotations

import numpy as np

from dpsynth.evaluation.estimate import Estimate, not_assessable, wilson
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
    """Share of synthetic patients with a picture that is a training picture, but for its place.

    Scenario:
        An attacker lays each synthetic picture, also flipped and shifted, over all training
        pictures. Where one fits at less than half of the distance at which the best of as many
        other real pictures fits, they take it for a copy. A few copies, which the mean of
        `near_ratio` hides, are seen so one by one.

    Args:
        made: distances in `flipped_and_shifted` views.
        seed: not used; the interval is Wilson's.

    Returns:
        0: no synthetic patient; 1: every one. Fresh real pictures give next to 0. Only copies
        of those training patients count who are among the members compared.

    Errors:
        As `near_ratio`.

    Reference: Carlini et al., Extracting training data from diffusion models, USENIX Security
    2023 (a distance held against those to other pictures).
    """
    if made.note:
        return not_assessable(made.note, made.synthetic.patients)
    near, other = made.to_members.min(axis=1), made.to_outsiders.min(axis=1)
    copied = np.unique(made.synthetic.patient[near < CLOSE * other])
    return wilson(len(copied), len(np.unique(made.synthetic.patient)))
