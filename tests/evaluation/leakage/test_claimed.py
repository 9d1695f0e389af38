"""What a card's claim allows an attacker, worked by hand."""

from __future__ import annotations

import math

import pytest

from dpsynth.evaluation.leakage.claimed import implied
from dpsynth.privacy.accountant import gaussian_sigma
from dpsynth.privacy.card.curve import Curve


def test_epsilon_alone_bounds_every_attacker():
    # e^eps = 3: 3 f at low rates, 1 - (1 - f) / 3 above f = 1/4; advantage (3 - 1) / (3 + 1).
    made = implied({"epsilon": math.log(3), "delta": 0})
    assert made.recognised == pytest.approx({0.001: 0.003, 0.01: 0.03, 0.1: 0.3})
    assert made.advantage == pytest.approx(0.5)
    assert not made.from_curve


def test_delta_adds():
    made = implied({"guarantee": {"epsilon": 0, "delta": 0.01}})
    assert made.recognised[0.01] == pytest.approx(0.02)
    assert made.advantage == pytest.approx(0.01)


def test_the_curve_of_a_card_is_tighter():
    stated = {
        "epsilon": 1.0,
        "delta": 1e-5,
        "attack_advantage_at_most": 0.2,
        "tpr_at": [{"false_positive_rate": 0.01, "true_positive_rate_at_most": 0.02}],
    }
    made = implied({"guarantee": stated})
    assert made.from_curve
    assert made.advantage == 0.2
    assert made.recognised[0.01] == 0.02
    assert made.recognised[0.1] == pytest.approx(math.e * 0.1 + 1e-5)


def test_a_loose_or_broken_curve_never_loosens_the_claim():
    tight = implied({"epsilon": 1.0, "delta": 1e-5})
    for points in (None, [3], [{"false_positive_rate": 0.01}], "?"):
        stated = {"epsilon": 1.0, "delta": 1e-5, "tpr_at": points, "attack_advantage_at_most": 9}
        assert implied({"guarantee": stated}) == tight


def test_a_gaussian_mechanism_lies_below_its_epsilon():
    # The bound of epsilon and delta holds for the very mechanism, whose curve is known.
    epsilon, delta = 1.0, 1e-5
    mu = 1 / gaussian_sigma(epsilon, delta)
    exact = Curve.of(lambda d: _epsilon(mu, d), delta)
    made = implied({"epsilon": epsilon, "delta": delta})
    for rate, most in made.recognised.items():
        assert exact.tpr(rate) <= most + 1e-9
    assert exact.advantage() <= made.advantage


def _epsilon(mu: float, delta: float) -> float:
    from scipy.optimize import brentq
    from scipy.stats import norm

    def left(epsilon: float) -> float:
        there = norm.cdf(mu / 2 - epsilon / mu)
        return there - math.exp(epsilon) * norm.cdf(-mu / 2 - epsilon / mu) - delta

    return float(brentq(left, 0, 50)) if left(0) > 0 else 0.0


@pytest.mark.parametrize(
    "card",
    [None, {}, {"epsilon": "?"}, {"epsilon": True}, {"epsilon": -1}, {"epsilon": 1, "delta": 2},
     {"guarantee": "none"}],
)  # fmt: skip
def test_who_claims_nothing_bounds_nobody(card):
    assert implied(card) is None


def test_a_huge_epsilon_allows_everything():
    made = implied({"epsilon": 1e6})
    assert made.advantage == 1
    assert set(made.recognised.values()) == {1.0}


def test_what_rows_may_reach_follows_from_their_names():
    made = implied({"epsilon": 1.0, "delta": 0.0})
    assert made.most("membership_tpr") == pytest.approx(math.e / 100)
    assert made.most("ratio_tpr_at_0.001") == pytest.approx(math.e / 1000)
    assert made.most("copy_rate") is None and made.most("dcr_share") is None


def test_the_area_under_the_bound_by_hand():
    # Pure epsilon: the two lines meet at a = 1 / (1 + e), at height 1 - a. Below them lie a
    # triangle and a trapezium: a (1 - a) / 2 + (1 - a) (2 - a) / 2 = 1 - a = e / (1 + e).
    made = implied({"epsilon": 1.0, "delta": 0.0})
    exact = math.e / (1 + math.e)
    assert exact <= made.auc() <= exact + 1e-3
    assert implied({"epsilon": 0.0, "delta": 0.0}).auc() == pytest.approx(0.5, abs=1e-3)


def test_between_points_of_a_curve_the_bound_is_concave_and_rising():
    stated = {
        "epsilon": 5.0,
        "delta": 1e-5,
        "trade_off": [{"false_positive_rate": 0.1, "true_positive_rate_at_most": 0.2}],
    }
    made = implied({"guarantee": stated})
    assert made.recognised_at(0.1) == 0.2
    assert made.recognised_at(0.05) == 0.2  # rising
    assert made.recognised_at(0.2) == pytest.approx(0.4)  # concave, from the origin
    exact = implied({"epsilon": 5.0, "delta": 1e-5})
    rates = [k / 200 for k in range(201)]
    assert all(made.recognised_at(r) <= exact.recognised_at(r) + 1e-12 for r in rates)
