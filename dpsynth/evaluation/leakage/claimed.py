"""What a claimed guarantee allows any attacker, to stand beside what attacks reach."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dpsynth.privacy.card.curve import FALSE_ALARMS, Curve

STEPS = 1000
LEVEL = 0.01  # of false accusations, where a metric's name says none
AT = re.compile(r"_tpr(?:_at_(?P<rate>[0-9.]+))?$")


@dataclass(frozen=True, kw_only=True)
class Implied:
    """The most that an attacker can reach under a claim, whoever he is and whatever he knows.

    Attributes:
        epsilon, delta: as claimed.
        advantage: true-positive rate less false-positive rate, at most.
        recognised: share of members recognised, at most, for each share of outsiders accused.
        from_curve: whether the card's own trade-off curve was tighter than epsilon and delta
            alone anywhere.
        points: of that curve, as rate of false accusations and bound.
    """

    epsilon: float
    delta: float
    advantage: float
    recognised: dict[float, float]
    from_curve: bool
    points: tuple[tuple[float, float], ...] = ()

    def recognised_at(self, rate: float) -> float:
        """Share of members recognised, at most, at any rate of false accusations.

        Between the card's points: the best attacker's ROC curve rises and is concave (he may
        toss a coin between two tests), so a bound t at rate a holds below a as it stands, and
        above a as t times rate / a.
        """
        alone = Curve(np.array([self.delta]), np.array([self.epsilon])).tpr(rate)
        others = (t if rate <= a else t * rate / a for a, t in self.points if a > 0)
        return min(alone, rate + self.advantage, 1.0, *others)

    def auc(self) -> float:
        """Area under any attacker's ROC curve, at most: a sum from above, STEPS wide each."""
        return sum(self.recognised_at(k / STEPS) for k in range(1, STEPS + 1)) / STEPS

    def most(self, metric: str) -> float | None:
        """What a row about recognising members may reach, or none if the row is no such one."""
        if metric == "black_box_epsilon":
            return self.epsilon
        found = AT.search(metric)
        if found:
            return self.recognised_at(float(found["rate"] or LEVEL))
        return self.auc() if metric.endswith("_auc") else None


def implied(card: Mapping[str, Any] | None) -> Implied | None:
    """What a privacy card's claim means for an attacker, or none if it claims nothing.

    Epsilon and delta bound every attacker; the trade-off curve of our own cards bounds them
    more tightly. The less of both counts. A curve is believed as the claim is: neither is
    checked here.

    Args:
        card: as JSON; "guarantee" holds epsilon and delta, and "tpr_at" and
            "attack_advantage_at_most" if there is a curve. Without "guarantee", epsilon and
            delta are looked for at the top. "trade_off" holds further points of the curve.

    Reference: Kairouz, Oh, Viswanath, The composition theorem for differential privacy, 2015;
    Kulynych, Gomez et al., Attack-aware noise calibration, NeurIPS 2024 (operational risk).
    """
    stated = (card or {}).get("guarantee", card or {})
    if not isinstance(stated, Mapping):
        return None
    epsilon, delta = _number(stated.get("epsilon")), _number(stated.get("delta", 0.0))
    if epsilon is None or delta is None or delta > 1:
        return None
    alone = Curve(np.array([delta]), np.array([epsilon]))
    even = math.tanh(epsilon / 2)
    bounds = {rate: alone.tpr(rate) for rate in FALSE_ALARMS}
    advantage = even + delta * (1 - even)
    tighter = {rate: min(most, _curve(stated, rate)) for rate, most in bounds.items()}
    least = min(advantage, _share(stated.get("attack_advantage_at_most")))
    return Implied(
        epsilon=epsilon,
        delta=delta,
        advantage=least,
        recognised=tighter,
        from_curve=least < advantage or tighter != bounds,
        points=_points(stated),
    )


def _curve(stated: Mapping[str, Any], rate: float) -> float:
    """The card's own bound at that rate; 1 if it has none."""
    return min((most for at, most in _points(stated) if at == rate), default=1.0)


def _points(stated: Mapping[str, Any]) -> tuple[tuple[float, float], ...]:
    """The card's own curve: what it says of some rates, and of many."""
    lists = (stated.get(name) for name in ("tpr_at", "trade_off"))
    told = (p for each in lists if isinstance(each, list | tuple) for p in each)
    found = (
        (_number(point.get("false_positive_rate")), point.get("true_positive_rate_at_most"))
        for point in told
        if isinstance(point, Mapping)
    )
    known = {(rate, _share(most)) for rate, most in found if rate is not None}
    return tuple(sorted((rate, most) for rate, most in known if most < 1))


def _share(value: Any) -> float:
    found = _number(value)
    return 1.0 if found is None else min(found, 1.0)


def _number(value: Any) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    return float(value) if known else None
