"""What a plan costs: PLD is the authority, RDP the second opinion that must not be smaller."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import dp_accounting as dpa
from dp_accounting import pld, rdp
from scipy.optimize import brentq

from dpsynth.errors import BudgetError
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.plan import DPSGD, Plan, Release
from dpsynth.privacy.renyi import ORDERS, Renyi

SEARCH = 1e-3  # PLD discretisation while searching
CERTIFY = 1e-4  # and of the figure that is promised


def event(releases: tuple[Release, ...], training: DPSGD | None) -> dpa.DpEvent:
    """The plan's events under add-or-remove of one patient.

    Each release is a Gaussian mechanism of sensitivity 1 (its tables are scaled so); each
    step is a Gaussian mechanism over a Poisson-sampled batch. Noise scales, sample rate and
    number of steps are fixed before the first answer, so adaptively chosen questions compose
    as fixed ones do (Dong, Roth, Su 2022; Doroshenko et al. 2022). Releases with multipliers
    s_i are then exactly one with (sum s_i^-2)^(-1/2) (Dong et al., corollary 3.3).
    """
    events: list[dpa.DpEvent] = []
    if releases:
        precision = math.hypot(*(1 / r.noise_multiplier for r in releases))
        events.append(dpa.GaussianDpEvent(1 / precision))
    if training is not None:
        step = dpa.GaussianDpEvent(training.noise_multiplier)
        if training.sample_rate < 1:
            step = dpa.PoissonSampledDpEvent(training.sample_rate, step)
        events.append(dpa.SelfComposedDpEvent(step, training.steps))
    return dpa.ComposedDpEvent(events)


def pld_accountant(spent: dpa.DpEvent, interval: float = CERTIFY) -> pld.PLDAccountant:
    """The composed privacy loss distribution.

    Raises:
        BudgetError: if the event holds a sampler or mechanism that PLD has no rule for.
    """
    accountant = pld.PLDAccountant(
        dpa.NeighboringRelation.ADD_OR_REMOVE_ONE, value_discretization_interval=interval
    )
    try:
        accountant.compose(spent)
    except dpa.UnsupportedEventError as error:
        raise BudgetError(f"no accounting rule for {spent}: {error}") from error
    return accountant


def epsilon_pld(spent: dpa.DpEvent, delta: float, interval: float = CERTIFY) -> float:
    """Epsilon by privacy loss distributions, an upper bound at any interval."""
    return float(pld_accountant(spent, interval).get_epsilon(delta))


def epsilon_rdp(spent: dpa.DpEvent, delta: float) -> float:
    """Epsilon by Renyi differential privacy, an upper bound that is looser."""
    orders = [1 + x / 10 for x in range(5, 100)] + list(range(11, 64)) + [128, 256, 512, 1024]
    accountant = rdp.RdpAccountant(orders, dpa.NeighboringRelation.ADD_OR_REMOVE_ONE)
    with _quiet():
        accountant.compose(spent)
    return float(accountant.get_epsilon(delta))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's warning of each order that it leaves out, which is no fault."""
    log = logging.getLogger("absl")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


def renyi(plan: Plan) -> Renyi:
    """The plan's Renyi curve without its noised size, which is a reservation of its own.

    Costs of the releases and of the steps, each a Gaussian mechanism or one over a
    Poisson-sampled batch (Mironov, Talwar and Zhang 2019), add up at each order.
    """
    accountant = rdp.RdpAccountant(ORDERS, dpa.NeighboringRelation.ADD_OR_REMOVE_ONE)
    with _quiet():
        accountant.compose(event(plan.releases, plan.training))
    return Renyi(
        epsilons=tuple(float(each) for each in accountant.rdp),
        delta=sum(r.threshold_delta for r in plan.releases),
    )


def epsilon_together(plans: Sequence[Plan], delta: float) -> float:
    """Epsilon of several plans by PLD, without their noised sizes.

    Holds if all plans were fixed before the first answer of any was seen; infinite if their
    thresholds take all of delta.
    """
    left = delta - sum(r.threshold_delta for plan in plans for r in plan.releases)
    if left <= 0:
        return math.inf
    alike = Counter((plan.releases, plan.training) for plan in plans)
    events = [dpa.SelfComposedDpEvent(event(*asked), n) for asked, n in alike.items()]
    return epsilon_pld(dpa.ComposedDpEvent(events), left, SEARCH)


def profile(plan: Plan) -> Callable[[float], float]:
    """The plan's epsilon as a function of delta, for the card's tables."""
    thresholds = sum(r.threshold_delta for r in plan.releases)
    accountant = pld_accountant(event(plan.releases, plan.training), SEARCH)

    def epsilon(delta: float) -> float:
        if delta <= thresholds:
            return float("inf")
        return plan.count_epsilon + float(accountant.get_epsilon(delta - thresholds))

    return epsilon


def certify(plan: Plan) -> tuple[float, float]:
    """Epsilon of the whole plan at its delta: by PLD and by RDP.

    Raises:
        BudgetError: if PLD exceeds the promise, or RDP is below PLD (one of them is wrong).
    """
    spent = event(plan.releases, plan.training)
    left = plan.delta - sum(r.threshold_delta for r in plan.releases)
    if left <= 0:
        raise BudgetError(f"thresholds take all of delta {plan.delta!r}")
    by_pld = plan.count_epsilon + epsilon_pld(spent, left)
    by_rdp = plan.count_epsilon + epsilon_rdp(spent, left)
    if by_pld > plan.epsilon:
        raise BudgetError(f"the plan costs epsilon {by_pld:.6f}, more than {plan.epsilon!r}")
    if by_rdp < by_pld - 1e-3:
        raise BudgetError(f"accountants disagree: RDP {by_rdp:.6f} below PLD {by_pld:.6f}")
    return by_pld, by_rdp


def gaussian_sigma(epsilon: float, delta: float) -> float:
    """Noise multiplier of one Gaussian release at that budget (Balle and Wang 2018)."""
    return float(dpa.get_sigma_gaussian(epsilon, delta))


def smallest_sigma(cost: Callable[[float, float], float], epsilon: float) -> float:
    """The least noise multiplier whose cost is at most epsilon.

    Args:
        cost: (sigma, PLD interval) -> epsilon, falling in sigma.
        epsilon: what may be spent.

    Searched at the coarse interval, certified at the fine one, nudged up until it holds.
    """
    low, high = 0.3, 1.0
    while cost(high, SEARCH) > epsilon:
        low, high = high, high * 2
        if high > 1e6:
            raise BudgetError(f"no noise is enough for epsilon {epsilon!r}; spend less elsewhere")
    sigma = low
    if cost(low, SEARCH) > epsilon:
        sigma = float(brentq(lambda s: cost(s, SEARCH) - epsilon, low, high, xtol=1e-3, rtol=1e-4))
    while cost(sigma, CERTIFY) > epsilon:
        sigma *= 1.0005
    return sigma


def calibrate(
    budget: Budget,
    releases: tuple[tuple[str, float], ...],
    training: DPSGD | None,
    *,
    count_epsilon: float = 0.0,
    threshold_delta: float = 0.0,
) -> Plan:
    """The plan that spends the whole budget.

    Args:
        budget: the promise.
        releases: name and share of the budget of each release; a share is of what a release
            alone would be allowed: sigma = sigma(epsilon) / sqrt(share). With training, the
            shares add up to less than 1; without, to 1.
        training: DP-SGD whose noise multiplier is still to be found (any value), or none.
        count_epsilon: already spent on a noised size.
        threshold_delta: set apart for revealing seen categories (on the release of that name).
    """
    epsilon = budget.epsilon - count_epsilon
    delta = budget.delta - threshold_delta
    if epsilon <= 0 or delta <= 0:
        raise BudgetError(f"nothing is left of epsilon {budget.epsilon!r}, delta {budget.delta!r}")
    alone = gaussian_sigma(epsilon, delta) * (1 + 1e-6)

    def planned(scale: float) -> tuple[Release, ...]:
        return tuple(
            Release(
                name=name,
                noise_multiplier=scale * alone / share**0.5,
                threshold_delta=threshold_delta if name == "categories" else 0.0,
            )
            for name, share in releases
        )

    if training is None:

        def cost(scale: float, interval: float) -> float:
            return epsilon_pld(event(planned(scale), None), delta, interval)

        tables, training_found = planned(smallest_sigma(cost, epsilon)), None
    else:
        tables = planned(1.0)
        noisy = training

        def cost(scale: float, interval: float) -> float:
            step = replace(noisy, noise_multiplier=scale)
            return epsilon_pld(event(tables, step), delta, interval)

        training_found = replace(training, noise_multiplier=smallest_sigma(cost, epsilon))
    plan = Plan(
        epsilon=budget.epsilon,
        delta=budget.delta,
        population=budget.population,
        count_epsilon=count_epsilon,
        releases=tables,
        training=training_found,
    )
    certify(plan)
    return plan
