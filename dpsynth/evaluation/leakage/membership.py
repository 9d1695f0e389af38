"""Can someone tell who was in the training data?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import binom, binomtest

from dpsynth.evaluation.estimate import (
    REPLICATES,
    Estimate,
    bootstrap_estimate,
    not_assessable,
    patient_weights,
    weighted_auc,
)

FALSE_ALARMS = 0.01
LIMIT = 0.0125  # chance of error at each end, once for the threshold and once for members


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


def membership_auc(made: Attack, *, replicates: int = REPLICATES, seed: int = 0) -> Estimate:
    """How well an attack ranks members before outsiders.

    Scenario:
        Someone knows the full record of a patient and asks whether that patient was in the
        hospital's data set; see each attack for how they decide.

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


def membership_tpr(made: Attack, *, rate: float = FALSE_ALARMS, seed: int = 0) -> Estimate:
    """Share of members recognised while few outsiders are accused falsely.

    Scenario:
        The same attacker wants to be sure. Ties are broken at random (the ROC curve is
        joined by straight lines), so guessing gives `rate`.

    The attacker's threshold has to be found on outsiders, so that the interval must hold two
    chances. At its lower end stands a threshold so strict that, with probability 1 - LIMIT, it
    truly accuses at most `rate` of all outsiders, whoever was drawn (the true share above the
    k-th of m scores is Beta(k, m - k + 1), for any scores); of the members above it, the
    Clopper-Pearson bound at LIMIT. The upper end likewise. By the union bound each end fails in
    2.5 % at most, so that no second set of outsiders is needed, and the interval may be held
    against what (epsilon, delta) allows at `rate`. It is wider than one for a given threshold.

    Args:
        made: the attack on members and outsiders.
        rate: share of outsiders who are accused.
        seed: of the order of ties in the interval; the value is what they give on average.

    Returns:
        `rate`: chance; 1: every member is recognised. The lower end is 0 if there are too few
        outsiders to find such a threshold: at 1 % fewer than 436, at 0.1 % than 4,380.

    Errors:
        No members, or fewer than 1 / `rate` outsiders: not assessable.

    Reference: Carlini et al., Membership inference attacks from first principles, S&P 2022;
    Clopper and Pearson, Biometrika 26, 1934.
    """
    least = round(1 / rate)
    if not made.member.any() or (~made.member).sum() < least:
        return not_assessable(f"needs members and {least:,} outsiders", len(made.member))
    value = height(*_sides(made.member, made.score), rate)
    drawn = np.random.default_rng(seed).random(len(made.member))
    places = np.empty(len(made.member), dtype=np.int64)
    places[np.lexsort((drawn, made.score))] = np.arange(len(places))
    inside, outside = _sides(made.member, places)
    strict, lax = _ranks(len(outside), rate)
    low, high = 0.0, 1.0
    if strict:
        low = _exact(int((inside > outside[strict - 1]).sum()), len(inside))[0]
    if lax <= len(outside):
        high = _exact(int((inside >= outside[lax - 1]).sum()), len(inside))[1]
    return Estimate(value, min(low, value), max(high, value), len(made.member), made.note)


def _sides(member: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores of members, and of outsiders with the highest first."""
    return score[member], np.sort(score[~member])[::-1]


def _ranks(outsiders: int, rate: float) -> tuple[int, int]:
    """Ranks of the outsiders who surely are the accused `rate` at most, and at least.

    The true share above rank k exceeds `rate` if fewer than k of the outsiders lie in the true
    top `rate`, and their number is binomial. Rank 0 is none.
    """
    low, high = binom.ppf([LIMIT, 1 - LIMIT], outsiders, rate)
    return int(low), int(high) + 1


def _exact(hits: int, n: int) -> tuple[float, float]:
    """Clopper-Pearson bounds, each at LIMIT."""
    found = binomtest(hits, n).proportion_ci(1 - 2 * LIMIT, method="exact")
    return float(found.low), float(found.high)


def height(inside: np.ndarray, outside: np.ndarray, rate: float) -> float:
    """Height of the ROC curve at `rate`; ties are joined by straight lines.

    Args:
        inside: scores of members (or cases).
        outside: scores of outsiders (or non-cases), the highest first; at least one.
        rate: share of outsiders accused, 0 to 1.
    """
    if rate >= 1:
        return 1.0
    level = outside[min(int(rate * len(outside) + 1e-9), len(outside) - 1)]
    # Everyone above the level, and of those on it as many as the straight line says.
    x0, x1 = (outside > level).mean(), (outside >= level).mean()
    y0, y1 = (inside > level).mean(), (inside >= level).mean()
    return float(y0 + (y1 - y0) * (rate - x0) / (x1 - x0))
