"""Privacy loss distributions are the authority; Renyi is never below; nothing is overspent."""

import logging
import math
from dataclasses import replace

import dp_accounting as dpa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opacus.accountants import GaussianAccountant
from scipy.stats import norm

from dpsynth.errors import BudgetError
from dpsynth.privacy import accountant
from dpsynth.privacy.accountant import (
    CERTIFY,
    SEARCH,
    calibrate,
    certify,
    epsilon_pld,
    epsilon_rdp,
    epsilon_together,
    event,
    gaussian_sigma,
    profile,
    smallest_sigma,
)
from dpsynth.privacy.budget import budget
from dpsynth.privacy.plan import DPSGD, Plan, Release

GOLDEN = {"q": 256 / 5000, "sigma": 1.0, "steps": 2000}
DELTA = 1e-5


def training(q: float, sigma: float, steps: int) -> DPSGD:
    return DPSGD(
        noise_multiplier=sigma, clip_norm=1.0, sample_rate=q, expected_batch=256.0, steps=steps
    )


def steps_only(q: float, sigma: float, steps: int) -> dpa.DpEvent:
    return event((), training(q, sigma, steps))


def test_the_golden_run_costs_what_it_costs():
    spent = steps_only(**GOLDEN)
    assert epsilon_pld(spent, DELTA, SEARCH) == pytest.approx(16.974, abs=1e-3)
    assert epsilon_pld(spent, DELTA, CERTIFY) == pytest.approx(16.973, abs=1e-3)
    assert epsilon_rdp(spent, DELTA) == pytest.approx(18.432, abs=2e-2)


def test_the_noise_for_epsilon_1_is_the_golden_noise():
    def cost(sigma: float, interval: float) -> float:
        return epsilon_pld(steps_only(GOLDEN["q"], sigma, 2000), DELTA, interval)

    # 8.63 when only searched coarsely; 8.61 is the least that the fine interval certifies.
    sigma = smallest_sigma(cost, 1.0)
    assert sigma == pytest.approx(8.63, abs=0.01)
    assert cost(sigma, CERTIFY) <= 1.0
    assert cost(8.62, CERTIFY) <= 1.0 < cost(8.60, CERTIFY)


def test_one_gaussian_costs_what_its_closed_form_says():
    # Balle and Wang 2018: delta = Phi(1/(2s) - e s) - exp(e) Phi(-1/(2s) - e s).
    sigma = gaussian_sigma(1.0, DELTA)
    exact = norm.cdf(0.5 / sigma - sigma) - 2.718281828459045 * norm.cdf(-0.5 / sigma - sigma)
    assert exact == pytest.approx(DELTA, rel=1e-6)
    one = event((Release(name="tables", noise_multiplier=sigma),), None)
    assert 1.0 <= epsilon_pld(one, DELTA) <= 1.001


def test_releases_compose_as_one_gaussian_of_joint_precision():
    # 1/s^2 adds up: sigma 3 and 4 together are one release of sigma 2.4.
    two = event(tuple(Release(name=str(s), noise_multiplier=s) for s in (3.0, 4.0)), None)
    assert two == dpa.ComposedDpEvent([dpa.GaussianDpEvent(pytest.approx(2.4))])
    # As their distributions of privacy loss, convolved, say too.
    apart = dpa.ComposedDpEvent([dpa.GaussianDpEvent(3.0), dpa.GaussianDpEvent(4.0)])
    assert epsilon_pld(two, DELTA) == pytest.approx(epsilon_pld(apart, DELTA), abs=2e-3)


@settings(max_examples=5, deadline=None)
@given(
    q=st.sampled_from([0.01, 0.05, 0.2]),
    sigma=st.sampled_from([1.0, 2.0, 6.0]),
    steps=st.sampled_from([1, 10, 40]),
)
def test_renyi_is_never_below_and_cost_is_monotone(q, sigma, steps):
    cost = epsilon_pld(steps_only(q, sigma, steps), DELTA, SEARCH)
    assert epsilon_rdp(steps_only(q, sigma, steps), DELTA) >= cost - 1e-3
    assert epsilon_pld(steps_only(q, sigma * 1.2, steps), DELTA, SEARCH) <= cost
    assert epsilon_pld(steps_only(q, sigma, steps + 20), DELTA, SEARCH) >= cost
    assert epsilon_pld(steps_only(min(q * 1.3, 1.0), sigma, steps), DELTA, SEARCH) >= cost
    assert epsilon_pld(steps_only(q, sigma, steps), DELTA / 10, SEARCH) >= cost


def test_sampling_everybody_is_no_amplification():
    everybody = epsilon_pld(steps_only(1.0, 5.0, 10), DELTA, SEARCH)
    alone = event((Release(name="x", noise_multiplier=5 / 10**0.5),), None)
    assert everybody == pytest.approx(epsilon_pld(alone, DELTA, SEARCH), abs=1e-2)
    assert epsilon_pld(steps_only(0.5, 5.0, 10), DELTA, SEARCH) < everybody


def test_the_clt_accountant_under_reports_and_is_not_used():
    # Why opacus' GaussianAccountant is no authority: here it says less than is spent.
    with pytest.warns(UserWarning, match="underestimate"):
        opacus = GaussianAccountant()
    opacus.history = [(1.0, GOLDEN["q"], 2000)]
    said = opacus.get_epsilon(DELTA)
    assert said == pytest.approx(16.686, abs=1e-2)
    assert said < epsilon_pld(steps_only(**GOLDEN), DELTA, SEARCH) - 0.2
    assert not hasattr(accountant, "GaussianAccountant")


@pytest.mark.parametrize(
    "unknown",
    [
        dpa.SampledWithoutReplacementDpEvent(5000, 256, dpa.GaussianDpEvent(1.0)),
        dpa.SampledWithReplacementDpEvent(5000, 256, dpa.GaussianDpEvent(1.0)),
        dpa.UnsupportedDpEvent(),
        dpa.PoissonSampledDpEvent(0.1, dpa.UnsupportedDpEvent()),
    ],
)
def test_a_sampler_without_a_rule_is_refused(unknown):
    with pytest.raises(BudgetError, match="no accounting rule"):
        epsilon_pld(dpa.SelfComposedDpEvent(unknown, 10), DELTA, SEARCH)


def test_an_event_that_promises_nothing_costs_infinity():
    assert epsilon_pld(dpa.NonPrivateDpEvent(), DELTA, SEARCH) == float("inf")


def test_the_second_opinion_leaves_the_log_as_it_was(caplog):
    before = logging.getLogger("absl").level
    with caplog.at_level(logging.WARNING):
        epsilon_rdp(steps_only(0.2133, 0.9395, 5), 1e-3)  # some orders don't converge
    assert not caplog.records
    assert logging.getLogger("absl").level == before


def plan_for(sigma: float, epsilon: float, **changes) -> Plan:
    return replace(
        Plan(epsilon=epsilon, delta=DELTA, population=5000, training=training(0.05, sigma, 50)),
        **changes,
    )


def test_a_plan_that_overspends_is_refused():
    by_pld, by_rdp = certify(plan_for(2.0, 5.0))
    assert 0 < by_pld <= by_rdp
    assert certify(plan_for(2.0, by_pld))[0] == by_pld
    with pytest.raises(BudgetError, match="more than"):
        certify(plan_for(2.0, by_pld * 0.999))


def test_a_counted_size_and_a_threshold_are_part_of_the_cost():
    plain = certify(plan_for(2.0, 5.0))[0]
    counted = certify(plan_for(2.0, 5.0, count_epsilon=0.25))[0]
    assert counted == pytest.approx(plain + 0.25)
    revealing = (Release(name="categories", noise_multiplier=500.0, threshold_delta=0.9 * DELTA),)
    hidden = (Release(name="categories", noise_multiplier=500.0),)
    assert certify(plan_for(2.0, 5.0, releases=revealing))[0] > (
        certify(plan_for(2.0, 5.0, releases=hidden))[0] + 0.05
    )
    all_of_it = (Release(name="categories", noise_multiplier=500.0, threshold_delta=DELTA),)
    with pytest.raises(BudgetError, match="thresholds take all of delta"):
        certify(plan_for(2.0, 5.0, releases=all_of_it))


def test_accountants_that_disagree_stop_the_run(monkeypatch):
    monkeypatch.setattr(accountant, "epsilon_rdp", lambda spent, delta: 0.01)
    with pytest.raises(BudgetError, match="disagree"):
        certify(plan_for(2.0, 5.0))


@pytest.mark.parametrize("epsilon", [0.5])
def test_calibration_spends_the_whole_budget_and_never_more(epsilon):
    promise = budget(epsilon, DELTA, 5000)
    found = calibrate(
        promise,
        (("bounds", 0.05), ("categories", 0.05), ("tables", 0.2)),
        training(0.02, 1.0, 20),
        count_epsilon=0.05 * epsilon,
        threshold_delta=0.1 * DELTA,
    )
    by_pld, _ = certify(found)
    assert 0.99 * epsilon < by_pld <= epsilon
    assert (found.epsilon, found.delta, found.population) == (epsilon, DELTA, 5000)
    assert {r.name: r.threshold_delta for r in found.releases} == {
        "bounds": 0.0,
        "categories": 0.1 * DELTA,
        "tables": 0.0,
    }
    # A share is of a release's precision alone: a fifth has sqrt(5) times the noise.
    alone = gaussian_sigma(0.95 * epsilon, 0.9 * DELTA)
    assert found.releases[2].noise_multiplier == pytest.approx(alone * 5**0.5, rel=1e-4)


def test_releases_alone_spend_the_whole_budget():
    found = calibrate(budget(1.0, DELTA, 5000), (("bounds", 0.1), ("tables", 0.9)), None)
    assert found.training is None
    assert 0.99 < certify(found)[0] <= 1.0
    low, high = found.releases
    assert low.noise_multiplier == pytest.approx(3 * high.noise_multiplier)


@pytest.mark.parametrize(("count", "threshold"), [(1.0, 0.0), (1.5, 0.0), (0.0, DELTA)])
def test_nothing_is_planned_with_nothing_left(count, threshold):
    with pytest.raises(BudgetError, match="nothing is left"):
        calibrate(
            budget(1.0, DELTA, 5000),
            (("categories", 1.0),),
            None,
            count_epsilon=count,
            threshold_delta=threshold,
        )


def test_tables_that_take_everything_leave_no_training():
    # No noise brings the steps below what the tables cost already.
    with pytest.raises(BudgetError, match="no noise is enough"):
        smallest_sigma(lambda sigma, interval: 2.0 + 1 / sigma, 1.9)


def test_a_generous_budget_is_met_with_the_least_noise_that_is_searched():
    sigma = smallest_sigma(lambda sigma, interval: 0.1 / sigma, 100.0)
    assert sigma == 0.3


def test_what_holds_only_coarsely_is_nudged_until_it_holds_finely():
    def cost(sigma: float, interval: float) -> float:
        return 1 / sigma if interval == SEARCH else 1.01 / sigma

    sigma = smallest_sigma(cost, 0.5)
    assert 2.02 <= sigma < 2.03


def test_the_profile_is_the_plan_at_every_delta():
    revealing = (Release(name="categories", noise_multiplier=20.0, threshold_delta=1e-6),)
    whole = plan_for(2.0, 5.0, releases=revealing, count_epsilon=0.1)
    curve = profile(whole)
    by_pld, by_rdp = certify(whole)
    assert by_pld <= curve(DELTA) < min(by_pld + 0.01, by_rdp)  # an upper bound, hardly looser
    assert curve(1e-4) < curve(1e-5) < curve(2e-6)
    assert curve(1e-6) == curve(1e-7) == float("inf")


def test_plans_that_were_fixed_beforehand_compose_by_pld():
    def made(sigma: float, threshold: float = 0.0) -> Plan:
        asked = (Release(name="tables", noise_multiplier=sigma, threshold_delta=threshold),)
        return Plan(epsilon=1.0, delta=DELTA, population=1000, releases=asked)

    # 1/3^2 + 1/4^2 + 1/4^2 = 34/144: one Gaussian of 12 / sqrt 34.
    exact = dpa.get_epsilon_gaussian(12 / 34**0.5, DELTA)
    found = epsilon_together([made(3.0), made(4.0), made(4.0)], DELTA)
    assert exact <= found <= exact + 1e-2
    assert epsilon_together([made(3.0, DELTA / 2)], DELTA) > epsilon_together([made(3.0)], DELTA)
    assert epsilon_together([made(3.0, DELTA)], DELTA) == math.inf
