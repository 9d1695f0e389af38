"""Can someone tell from a copy's pictures whose pictures were trained on?"""

from __future__ import annotations

import numpy as np

from dpsynth.evaluation.leakage.membership import Attack
from dpsynth.evaluation.shown import Shown, small

BLOCK = 256  # pictures at a time


def picture_attack(copy: Shown, members: Shown, outsiders: Shown) -> Attack:
    """The nearest-neighbour attack on pictures: who has a close synthetic twin was trained on.

    Scenario:
        Someone has the pictures of a patient and the copy, and asks whether the patient was
        trained on. Pictures are compared by small pixels; of a patient's pictures the one with
        the nearest twin counts.

    Args:
        copy: synthetic pictures.
        members, outsiders: of patients trained on, and of as many others.
    """
    scores = [_scores(each, copy) for each in (members, outsiders)]
    member = np.repeat([True, False], [len(each) for each in scores])
    return Attack(member, np.concatenate(scores), "" if len(copy) else "no synthetic pictures")


def _scores(real: Shown, copy: Shown) -> np.ndarray:
    """(patients with pictures,) minus the distance to the nearest synthetic picture."""
    flat, others = (small(each.pixels) for each in (real, copy))
    closest = np.zeros(len(flat))
    if len(others):
        lengths = (others**2).sum(axis=1)
        for start in range(0, len(flat), BLOCK):
            block = flat[start : start + BLOCK]
            apart = (block**2).sum(axis=1)[:, None] + lengths - 2 * block @ others.T
            closest[start : start + len(block)] = np.sqrt(np.maximum(apart.min(axis=1), 0.0))
    nearest = np.full(real.patients, np.inf)
    np.minimum.at(nearest, real.patient, closest)
    return -nearest[np.isfinite(nearest)]
