"""What a claimed guarantee allows any attacker, to stand beside what attacks reach."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dpsynth.privacy.card.curve import FALSE_ALARMS, Curve


@dataclass(frozen=True, kw_only=True)
class Implied:
    """The most that an attacker can reach under a claim, whoever he is and whatever he knows.

    Attributes:
        epsilon, delta: as claimed.
        advantage: true-positive rate less false-positive rate, at most.
        recognised: share of members recognised, at most, for each share of outsiders accused.
        from_curve: whether the card's own trade-off curve was tighter than epsilon and delta
            alone anywhere.
    """

    epsilon: float
    delta: float
    advantage: float
    recognised: dict[float, float]
    from_curve: bool


def implied(card: Mapping[str, Any] | None) -> Implied | None:
    """What a privacy card's claim means for an attacker, or none if it claims nothing.

    Epsilon and delta bound every attacker; the trade-off curve of our own cards bounds them
    more tightly. The less of both counts. A curve is believed as the claim is: neither is
    checked here.

    Args:
        card: as JSON; "guarantee" holds epsilon and delta, and "tpr_at" and
            "attack_advantage_at_most" if there is a curve. Without "guarantee", epsilon and
            delta are looked for at the top.

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
    )


def _curve(stated: Mapping[str, Any], rate: float) -> float:
    """The card's own bound at that rate; 1 if it has none."""
    points = stated.get("tpr_at")
    return min(
        (
            _share(point.get("true_positive_rate_at_most"))
            for point in (points if isinstance(points, list | tuple) else ())
            if isinstance(point, Mapping) and point.get("false_positive_rate") == rate
        ),
        default=1.0,
    )


def _share(value: Any) -> float:
    found = _number(value)
    return 1.0 if found is None else min(found, 1.0)


def _number(value: Any) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    return float(value) if known else None
