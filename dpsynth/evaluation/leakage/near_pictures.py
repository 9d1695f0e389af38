"""Are synthetic pictures nearer to the training pictures than to other real ones?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dpsynth.evaluation.estimate import (
    REPLICATES,
    Estimate,
    bootstrap_estimate,
    not_assessable,
    patient_weights,
)
from dpsynth.evaluation.leakage.views import Views, as_they_are
from dpsynth.evaluation.shown import SIDE, Shown

PARTS = 20  # of the patients of each real set: half of them are drawn for a replicate
LEAST = 2 * PARTS  # real patients of each set
MOST = 4.0  # where the ratio is cut
FAR = 3.0 * SIDE**2 + 1  # square of a distance beyond all others: to a part without any
BLOCK = 256  # pictures at a time


@dataclass(frozen=True, kw_only=True)
class Nearness:
    """How near synthetic pictures lie to real ones.

    Attributes:
        to_members, to_outsiders: (pictures, PARTS) distance of each synthetic picture to the
            nearest picture in each part of the training patients, and of other real ones;
            empty where it can't be assessed.
        synthetic: whose pictures they are.
        note: why it can't be assessed, or empty.
    """

    to_members: np.ndarray
    to_outsiders: np.ndarray
    synthetic: Shown
    note: str = ""


def nearness(
    synthetic: Shown, members: Shown, outsiders: Shown, views: Views, rng: np.random.Generator
) -> Nearness:
    """Distances of synthetic pictures to the nearest real ones, in views: see `near_ratio`."""
    why = ""
    if not min(len(synthetic), len(members), len(outsiders)):
        why = "no pictures"
    elif min(members.patients, outsiders.patients) < LEAST:
        why = f"needs {LEAST} training and {LEAST} other patients"
    if why:
        none = np.empty((0, PARTS))
        return Nearness(to_members=none, to_outsiders=none, synthetic=synthetic, note=why)
    sides = [_nearest(synthetic, each, views, rng) for each in (members, outsiders)]
    return Nearness(to_members=sides[0], to_outsiders=sides[1], synthetic=synthetic)


def near_ratio(
    synthetic: Shown,
    members: Shown,
    outsiders: Shown,
    *,
    views: Views = as_they_are,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Estimate:
    """Mean distance to the nearest training picture over that to the nearest other real one.

    Scenario:
        A model has learnt some training pictures by heart. Then synthetic pictures lie near
        them, and not as near to pictures of patients that it never saw. Each synthetic patient
        counts as one.

    Args:
        synthetic: the copy, or fresh real pictures for the reference.
        members: training pictures.
        outsiders: pictures of as many other real patients.
        views: what pictures are compared by: pixels, features, or pixels of flipped and shifted
            pictures; of several views of a synthetic picture, the nearest counts.
        replicates: of the bootstrap over synthetic patients, in each of which half of the real
            patients of both sets are drawn too, so that it holds the chance of who they are.
        seed: of the bootstrap and the halves.

    Returns:
        1: the copy is as near to others as to those trained on; 0: every picture is a copy.
        Above 1 only by chance.

    Errors:
        A set without pictures, or real sets below 40 patients: not assessable.

    Reference: Meehan, Chaudhuri, Dasgupta, A non-parametric test to detect data-copying in
    generative models, AISTATS 2020 (the idea; the ratio is simpler).
    """
    rng = np.random.default_rng(seed)
    made = nearness(synthetic, members, outsiders, views, rng)
    return ratio_of(made, replicates=replicates, rng=rng)


def ratio_of(made: Nearness, *, replicates: int = REPLICATES, rng: np.random.Generator) -> Estimate:
    """`near_ratio`, where distances are known."""
    synthetic = made.synthetic
    if made.note:
        return not_assessable(made.note, synthetic.patients)
    weights = patient_weights(synthetic.patients, replicates, rng)[:, synthetic.patient]
    weights = weights * synthetic.weight
    values = np.empty(len(weights))
    for row, weight in enumerate(weights):
        near = []
        for each in (made.to_members, made.to_outsiders):
            some = rng.permutation(PARTS)[: PARTS // 2] if row else slice(None)
            near.append(float(weight @ each[:, some].min(axis=1)))
        values[row] = _ratio(*near)
    return bootstrap_estimate(values, synthetic.patients, (0.0, MOST))


def _ratio(to_members: float, to_outsiders: float) -> float:
    if to_outsiders > 0:
        return min(to_members / to_outsiders, MOST)
    return MOST if to_members > 0 else 1.0


def _nearest(synthetic: Shown, real: Shown, views: Views, rng: np.random.Generator) -> np.ndarray:
    """(synthetic pictures, PARTS) distance to the nearest picture in each part of the patients."""
    known = next(iter(views(real.pixels))).astype(np.float64)
    part = rng.permutation(np.arange(real.patients) % PARTS)[real.patient]
    order = np.argsort(part, kind="stable")
    known, part = known[order], part[order]
    there, first = np.unique(part, return_index=True)
    # In 64 bits: the distance of a copy is a difference of large numbers, b b - 2 a b + a a.
    square = np.square(known).sum(axis=1, keepdims=True)
    known = np.concatenate([known, square], axis=1).T
    found = np.full((len(synthetic), PARTS), FAR)
    for made in views(synthetic.pixels):
        for start in range(0, len(made), BLOCK):
            some = made[start : start + BLOCK].astype(np.float64)
            factors = np.concatenate([-2 * some, np.ones((len(some), 1))], axis=1)
            apart = np.minimum.reduceat(factors @ known, first, axis=1)
            apart += np.square(some).sum(axis=1)[:, None]
            here = np.s_[start : start + BLOCK, there]
            found[here] = np.minimum(found[here], apart)
    return np.sqrt(np.maximum(found, 0.0))
