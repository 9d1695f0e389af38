"""Can someone tell who was in the training data?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dpsynth.data.codec import Tokens
from dpsynth.evaluation.estimate import (
    REPLICATES,
    Estimate,
    bootstrap_estimate,
    not_assessable,
    patient_weights,
    weighted_auc,
)
from dpsynth.evaluation.leakage.copies import flat

FALSE_ALARMS = 0.01
BLOCK = 64  # patients at a time, so that a block of distances stays in the cache


@dataclass(frozen=True)
class Attack:
    """An attacker's guess about known patients.

    Attributes:
        member: (patients,) whether each was trained on.
        score: (patients,) higher means "was trained on".
        note: why the attack means nothing, if so.
    """

    member: np.ndarray
    score: np.ndarray
    note: str = ""


def nearest(tokens: Tokens, synthetic: Tokens) -> np.ndarray:
    """(patients,) share of codes in which the most similar synthetic patient differs."""
    known, made = flat(tokens), flat(synthetic)
    columns = np.ascontiguousarray(made.T)
    closest = np.empty(len(known))
    for start in range(0, len(known), BLOCK):
        block = known[start : start + BLOCK]
        apart = np.zeros((len(block), len(made)), dtype=np.uint16)
        unlike = np.empty(apart.shape, dtype=bool)
        for place, column in enumerate(columns):
            np.not_equal(block[:, place, None], column[None, :], out=unlike)
            np.add(apart, unlike, out=apart)
        closest[start : start + BLOCK] = apart.min(axis=1)
    return closest / max(known.shape[1], 1)


def attack(members: Tokens, outsiders: Tokens, synthetic: Tokens) -> Attack:
    """The nearest-neighbour attack: who has a close synthetic twin was trained on.

    Args:
        members: patients who were trained on.
        outsiders: patients of the same population who were not.
        synthetic: the copy.

    Errors:
        An empty copy: every score is equal, with a note.
    """
    member = np.repeat([True, False], [len(members), len(outsiders)])
    if not len(synthetic):
        return Attack(member, np.zeros(len(member)), "no synthetic patients")
    far = [nearest(each, synthetic) for each in (members, outsiders)]
    return Attack(member, -np.concatenate(far))


def membership_auc(made: Attack, *, replicates: int = REPLICATES, seed: int = 0) -> Estimate:
    """How well the nearest-neighbour attack ranks members before outsiders.

    Scenario:
        Someone knows the full record of a patient and asks whether that patient was in the
        hospital's data set. They look for the most similar synthetic patient.

    Args:
        made: the attack on as many members as outsiders.
        replicates: bootstrap replicates over the attacked patients.
        seed: of the bootstrap.

    Returns:
        0.5: the copy tells nothing to this attacker; 1: members are recognised always.
        It's one attack: a low value is no proof, only epsilon is.

    Errors:
        No members or no outsiders: not assessable.
    """
    if not made.member.any() or made.member.all():
        return not_assessable("needs members and outsiders", len(made.member))
    rng = np.random.default_rng(seed)
    weights = patient_weights(len(made.member), replicates, rng)
    values = weighted_auc(made.member, made.score, weights)
    return bootstrap_estimate(values, len(made.member), (0.0, 1.0), made.note)


def membership_tpr(made: Attack, *, replicates: int = REPLICATES, seed: int = 0) -> Estimate:
    """Share of members recognised while 1 % of outsiders are accused falsely.

    Scenario:
        The same attacker wants to be sure. Ties are broken at random (the ROC curve is
        joined by straight lines), so guessing gives 0.01.

    Args:
        made: the attack on members and outsiders.
        replicates: bootstrap replicates over the attacked patients.
        seed: of the bootstrap.

    Returns:
        0.01: chance; 1: every member is recognised.

    Errors:
        Fewer than 100 outsiders can't show 1 %: not assessable.

    Reference: Carlini et al., Membership inference attacks from first principles, S&P 2022.
    """
    if not made.member.any() or (~made.member).sum() < 1 / FALSE_ALARMS:
        return not_assessable("needs members and 100 outsiders", len(made.member))
    rng = np.random.default_rng(seed)
    weights = patient_weights(len(made.member), replicates, rng)
    order = np.argsort(-made.score, kind="stable")
    starts = np.flatnonzero(np.diff(made.score[order], prepend=np.nan) != 0)
    sums = weights[:, order].astype(np.float64)
    hits = np.cumsum(np.add.reduceat(sums * made.member[order], starts, axis=1), axis=1)
    false = np.cumsum(np.add.reduceat(sums * ~made.member[order], starts, axis=1), axis=1)
    values = np.array([_at(*pair) for pair in zip(false, hits, strict=True)])
    return bootstrap_estimate(values, len(made.member), (0.0, 1.0), made.note)


def _at(false: np.ndarray, hits: np.ndarray) -> float:
    """Height of the ROC curve at FALSE_ALARMS."""
    if not false[-1] or not hits[-1]:
        return float("nan")
    x, y = np.append(0.0, false / false[-1]), np.append(0.0, hits / hits[-1])
    # np.interp needs increasing x: at a jump the highest point counts.
    last = np.append(np.diff(x) > 0, True)
    first = np.append(True, np.diff(x) > 0)
    place = int(np.searchsorted(x[last], FALSE_ALARMS, side="right")) - 1
    if place + 1 >= last.sum():
        return float(y[-1])
    x0, y0 = x[last][place], y[last][place]
    x1, y1 = x[first][place + 1], y[first][place + 1]
    return float(y0 + (y1 - y0) * (FALSE_ALARMS - x0) / (x1 - x0))
