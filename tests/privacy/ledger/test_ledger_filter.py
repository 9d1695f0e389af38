"""No analyst passes a cap, however each run is chosen after seeing the last."""

import math
import os
from dataclasses import replace

import dp_accounting as dpa
import numpy as np
import pytest
from dp_accounting import rdp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from dpsynth.errors import BudgetError
from dpsynth.privacy.accountant import epsilon_together, event, renyi
from dpsynth.privacy.ledger import Cost
from dpsynth.privacy.ledger.filter import by_filter, spent, together
from dpsynth.privacy.plan import DPSGD, Plan, Release
from dpsynth.privacy.renyi import ORDERS, Renyi

DELTA = 1e-6


def plan(sigma: float, q: float = 0.05, number: int = 0, threshold: float = 0.0) -> Plan:
    """A release, and steps with the same noise if there are any."""
    training = DPSGD(
        noise_multiplier=sigma, clip_norm=1.0, sample_rate=q, expected_batch=50.0, steps=number or 1
    )
    return Plan(
        epsilon=1.0,
        delta=DELTA,
        population=1000,
        releases=(Release(name="tables", noise_multiplier=sigma, threshold_delta=threshold),),
        training=training if number else None,
    )


def sampled(q: float, sigma: float, number: int) -> Plan:
    """Steps alone."""
    return replace(plan(sigma, q, number), releases=())


def cost(of: Plan) -> Cost:
    return Cost(epsilon=of.epsilon, delta=of.delta, renyi=renyi(of))


def gaussians(precision: float) -> Cost:
    """Gaussian releases whose 1/sigma^2 add up to that."""
    return Cost(
        epsilon=99.0, delta=0.5, renyi=Renyi(epsilons=tuple(a * precision / 2 for a in ORDERS))
    )


# --- known answers -----------------------------------------------------------------------


def test_the_sum_by_hand():
    # One order decides: costs 1 at order 2, far more elsewhere; delta 1, so half of it over 8
    # orders is 1/16: 1 + log(1/2) - log(2/16) = 1 + log 4.
    only = Cost(epsilon=9.0, delta=0.0, renyi=Renyi(epsilons=(1.0, *[99.0] * 7)))
    assert by_filter([only], 1.0) == pytest.approx(1 + math.log(4))
    # A run without a curve is added on top, its delta taken as a chance: 1/2 is just enough.
    old = Cost(epsilon=0.25, delta=0.5)
    assert by_filter([only, old], 1.0) == pytest.approx(1.25 + math.log(4))
    assert by_filter([only, old, Cost(epsilon=0.0, delta=1e-9)], 1.0) == math.inf


def test_sums_are_those_of_the_librarys_own_accountant():
    plans = [plan(4.0, number=300), plan(5.0, q=0.01, number=900), plan(9.0), plan(4.0, number=300)]
    library = rdp.RdpAccountant(ORDERS, dpa.NeighboringRelation.ADD_OR_REMOVE_ONE)
    for done, each in enumerate(plans, 1):
        library.compose(event(each.releases, each.training))
        found = by_filter([cost(p) for p in plans[:done]], DELTA)
        assert found == pytest.approx(library.get_epsilon(DELTA / 2 / len(ORDERS)))


def test_the_filter_is_never_below_what_was_fixed_in_advance():
    plans = [plan(2.0, number=300), plan(5.0, q=0.01, number=900), plan(9.0)]
    for done in (1, 2, 3):
        advance = epsilon_together(plans[:done], DELTA)
        adaptive = by_filter([cost(p) for p in plans[:done]], DELTA)
        assert advance < adaptive < 1.5 * advance


def test_one_run_costs_what_it_promises_and_the_next_needs_the_filter():
    # By rule (a) a first run may ask all of the cap; by addition two runs of 1 would make 2.
    only = Cost(epsilon=1.0, delta=DELTA, renyi=renyi(plan(4.3)))
    assert together([], only, DELTA) == 1.0 < by_filter([only], DELTA)
    assert together([only], only, DELTA) == by_filter([only, only], DELTA)
    assert spent([only, only], DELTA) == by_filter([only, only], DELTA)
    assert together([], only, DELTA / 2) == by_filter([only], DELTA / 2)


def test_runs_without_a_curve_are_added_up_before_the_first_with_one_and_put_on_top_after():
    old, new = Cost(epsilon=1.0, delta=DELTA / 4), cost(plan(4.3))
    assert together([old], old, DELTA) == 2.0
    assert together([old, old], new, 2 * DELTA) == 3.0
    assert together([new], old, DELTA) == pytest.approx(1.0 + by_filter([new], DELTA))
    assert together([new, old, old], old, DELTA) == math.inf  # 3/4 of delta is more than half
    assert spent([old] * 5, DELTA) == math.inf


def test_nothing_costs_nothing():
    assert spent([], DELTA) == spent([], 0.0) == 0.0
    assert together([], Cost(epsilon=0.5, delta=0.0), 0.0) == 0.5  # a noised size
    assert together([], cost(plan(4.0)), 0.0) == math.inf


@settings(max_examples=50, deadline=None)
@given(choice=st.data())
def test_a_further_run_never_lowers_the_sum(choice):
    def drawn() -> Cost:
        curve = choice.draw(st.lists(st.floats(0, 9), min_size=8, max_size=8).map(sorted))
        chance = choice.draw(st.sampled_from([0.0, 1e-8]))
        known = choice.draw(st.booleans())
        return Cost(
            epsilon=choice.draw(st.floats(0, 9)),
            delta=choice.draw(st.sampled_from([0.0, 1e-7, DELTA])),
            renyi=Renyi(epsilons=tuple(curve), delta=chance) if known else None,
        )

    costs = [drawn() for _ in range(choice.draw(st.integers(1, 5)))]
    for done in range(len(costs)):
        before = spent(costs[:done], DELTA)
        assert together(costs[:done], costs[done], DELTA) >= before or before == math.inf


# --- adversaries -------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_an_analyst_who_chooses_each_run_after_the_last_does_not_pass_the_cap(
    ledger, monkeypatch, seed
):
    monkeypatch.setattr(os, "fsync", lambda file: None)  # speed: no power is cut here
    ledger.join("ward", [])
    ledger.cap("ward", epsilon=4.0, delta=DELTA)
    rng = np.random.default_rng(seed)
    let_in: list[Plan] = []
    loss, sigma, refused = 0.0, 2.0, 0
    while refused < 12:
        asked = plan(sigma * float(rng.uniform(1, 2)), number=int(rng.integers(0, 3)) * 100)
        try:
            ledger.reserve(
                "ward",
                run=str(len(let_in)),
                epsilon=4.0,
                delta=DELTA,
                plan=asked.public(),
                renyi=renyi(asked),
            )
        except BudgetError as error:
            assert "left: ask for less" in str(error)
            refused += 1
            sigma *= 1.5  # asks for less, and then for less again
            continue
        let_in.append(asked)
        precision = asked.releases[0].noise_multiplier ** -2
        loss += rng.normal(precision / 2, precision**0.5)
        sigma = 3.0 if loss > 1 else sigma  # where something was learnt, more is asked
    # Another accountant, over everything that was let in: at one order, the cap holds.
    library = rdp.RdpAccountant(ORDERS, dpa.NeighboringRelation.ADD_OR_REMOVE_ONE)
    for each in let_in:
        library.compose(event(each.releases, each.training))
    assert len(let_in) > 3
    assert 3.0 < library.get_epsilon(DELTA / 2 / len(ORDERS)) <= 4.0
    assert ledger.spent("ward").adaptive_epsilon <= 4.0
    assert ledger.spent("ward").epsilon == 4.0 * len(let_in)  # addition would have stopped at one


def test_what_greedy_analysts_learn_is_within_delta():
    """Monte Carlo of real losses under a large delta: E[(1 - exp(epsilon - loss))+] <= delta.

    Each analyst asks as long as the filter lets him. The first asks Gaussian releases to the
    end. The second asks half of that, and where little was learnt goes on with sampled steps,
    which are cheap at low orders, so that the order that decides depends on what was answered.
    Both spend the chances last (a run that reveals everything with chance delta/2), where the
    loss has stayed below epsilon. The mean of 200,000 paths lies more than 0.006 above its
    expectation with chance below 1e-6 (Hoeffding).
    """
    epsilon, delta, paths = 2.0, 0.05, 200_000
    rng = np.random.default_rng(5)

    def gaussian(precision: float, many: int) -> np.ndarray:
        return rng.normal(precision / 2, precision**0.5, many)

    def learnt(loss: np.ndarray) -> float:
        revealed = (loss < epsilon) & (rng.random(len(loss)) < delta / 2)
        return float(np.where(revealed, 1.0, np.maximum(1 - np.exp(epsilon - loss), 0)).mean())

    most = brentq(lambda v: by_filter([gaussians(v)], delta) - epsilon, 1e-6, 9.0)
    ending = Cost(epsilon=0.0, delta=delta / 2)
    assert together([gaussians(most * 0.999)], ending, delta) <= epsilon
    assert delta / 2 < learnt(gaussian(most, paths)) <= delta + 0.006

    half, q, sigma, number = gaussians(most / 2), 0.1, 1.0, 0
    step = Cost(epsilon=9.0, delta=0.0, renyi=renyi(sampled(q, sigma, 1)))
    while together([half, *[step] * number], step, delta) <= epsilon:
        number += 1
    assert number >= 2
    loss = gaussian(most / 2, paths)
    little = loss < np.median(loss)
    loss[~little] += gaussian(most / 2, int((~little).sum()))
    for _ in range(number):
        x = sigma * rng.standard_normal(int(little.sum())) + (rng.random(int(little.sum())) < q)
        loss[little] += np.log1p(q * np.expm1((2 * x - 1) / (2 * sigma**2)))
    assert delta / 2 < learnt(loss) <= delta + 0.006
