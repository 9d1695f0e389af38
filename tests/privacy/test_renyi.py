"""A Renyi curve has closed forms, says its orders, and is never taken for another's."""

import json
import math

import pytest
from dp_accounting.rdp import compute_epsilon

from dpsynth.errors import InputError
from dpsynth.privacy.accountant import renyi
from dpsynth.privacy.plan import DPSGD, Plan, Release
from dpsynth.privacy.renyi import ORDERS, Renyi, surcharge


def plan(*sigmas: float, training: DPSGD | None = None, threshold: float = 0.0) -> Plan:
    releases = tuple(
        Release(name=str(place), noise_multiplier=sigma, threshold_delta=threshold)
        for place, sigma in enumerate(sigmas)
    )
    return Plan(epsilon=1.0, delta=1e-5, population=1000, releases=releases, training=training)


def steps(q: float, sigma: float, number: int) -> DPSGD:
    return DPSGD(
        noise_multiplier=sigma, clip_norm=1.0, sample_rate=q, expected_batch=50.0, steps=number
    )


def test_gaussians_cost_order_over_twice_the_variance():
    # rho(a) = a / (2 sigma^2); sigmas 3 and 4: 1/9 + 1/16 = 25/144, so a * 25/288.
    found = renyi(plan(3.0, 4.0))
    assert found.epsilons == pytest.approx([a * 25 / 288 for a in ORDERS])
    assert found.delta == 0.0


def test_sampled_steps_cost_their_closed_form_at_order_2():
    # Mironov, Talwar, Zhang 2019 at order 2: log(1 + q^2 (exp(1/sigma^2) - 1)) a step.
    found = renyi(plan(training=steps(0.05, 2.0, 100)))
    assert found.epsilons[0] == pytest.approx(100 * math.log1p(0.05**2 * math.expm1(0.25)))


def test_releases_and_steps_add_up_at_every_order():
    both = renyi(plan(3.0, training=steps(0.05, 2.0, 100)))
    apart = renyi(plan(3.0)), renyi(plan(training=steps(0.05, 2.0, 100)))
    sums = [a + b for a, b in zip(*(each.epsilons for each in apart), strict=True)]
    assert both.epsilons == pytest.approx(sums)


def test_what_reveals_categories_is_a_chance_beside_the_curve():
    assert renyi(plan(3.0, 4.0, threshold=1e-7)).delta == pytest.approx(2e-7)


def test_a_noised_size_is_not_in_the_curve():
    counted = Plan(epsilon=1.0, delta=1e-5, population=9, count_epsilon=0.05)
    assert renyi(counted).epsilons == (0.0,) * len(ORDERS)


def test_a_curve_comes_back_from_json_as_it_was():
    made = renyi(plan(3.0, training=steps(0.05, 2.0, 100), threshold=1e-7))
    assert Renyi.from_public(json.loads(json.dumps(made.public()))) == made
    assert Renyi.from_public(None) is None


def test_a_curve_at_other_orders_counts_as_none():
    other = renyi(plan(3.0)).public() | {"orders": [2, 3, 4, 9, 17, 33, 65, 129]}
    assert Renyi.from_public(other) is None


@pytest.mark.parametrize("value", [-1e-9, math.nan, math.inf])
def test_a_curve_never_takes_cost_off(value):
    with pytest.raises(InputError, match="at least 0"):
        Renyi(epsilons=(value,) * len(ORDERS))
    with pytest.raises(InputError, match="8 values"):
        Renyi(epsilons=(1.0,))
    with pytest.raises(InputError, match="delta"):
        Renyi(epsilons=(1.0,) * len(ORDERS), delta=-1e-9)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("delta", [1e-2, 1e-6])
def test_the_conversion_is_the_librarys(order, delta):
    epsilon, _ = compute_epsilon([order], [30.0], delta)
    assert 30.0 + surcharge(order, delta) == pytest.approx(epsilon)
    assert surcharge(order, 0.0) == math.inf


def test_the_conversion_by_hand():
    # Order 2, delta 1/8: log(1/2) - log(1/4) = log 2.
    assert surcharge(2, 1 / 8) == pytest.approx(math.log(2))
