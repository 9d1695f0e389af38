"""The figures about attackers are upper bounds, and as low as the profile allows."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from dpsynth.privacy.card import Curve

RATES = (0.001, 0.01, 0.1, 0.5)


@pytest.mark.parametrize("mu", [0.1, 0.5, 1.0, 2.0, 5.0])
def test_the_gaussian_mechanism_gets_its_own_curve(gaussian, mu):
    curve = Curve.of(gaussian(mu), 1e-6)
    exact = [norm.cdf(norm.ppf(rate) + mu) for rate in RATES]  # 1 - G_mu
    for rate, right in zip(RATES, exact, strict=True):
        assert right - 1e-9 <= curve.tpr(rate) <= right * 1.005
    advantage = 2 * norm.cdf(mu / 2) - 1
    assert advantage - 1e-9 <= curve.advantage() <= advantage + 1e-4
    fit = curve.gdp()
    assert mu <= fit.mu <= mu + 1e-3
    assert 0 <= fit.regret <= 1e-4
    assert fit.delta_from == pytest.approx(1e-8)


def test_pure_epsilon_gives_the_two_known_lines():
    # epsilon = ln 3 at every delta: TPR <= min(3 a, 1 - (1 - a) / 3), largest at a = 1/4,
    # where both are 3/4: advantage 1/2 = tanh(ln 3 / 2). Worked by hand.
    curve = Curve.of(lambda delta: math.log(3), 1e-6)
    assert curve.advantage() == pytest.approx(0.5, abs=1e-6)
    assert curve.tpr(0.01) == pytest.approx(0.03, abs=1e-6)
    assert curve.tpr(0.25) == pytest.approx(0.75, abs=1e-6)
    assert curve.tpr(0.7) == pytest.approx(0.9, abs=1e-6)
    assert curve.tpr(1.0) == 1.0


def test_no_privacy_loss_is_blind_guessing():
    curve = Curve.of(lambda delta: 0.0, 1e-6)
    assert curve.tpr(0.1) == pytest.approx(0.1, abs=1e-7)
    assert curve.advantage() <= 1e-8
    assert curve.gdp().mu < 1e-6


def test_a_profile_that_starts_late_says_from_where_it_was_checked(gaussian):
    smooth = gaussian(1.0)

    def late(delta: float) -> float:
        return math.inf if delta <= 5e-7 else smooth(delta - 5e-7)

    curve, plain = Curve.of(late, 1e-6), Curve.of(smooth, 1e-6)
    assert curve.gdp().delta_from > 5e-7
    assert curve.tpr(0.001) > plain.tpr(0.001)
    with pytest.raises(ValueError, match="promises nothing at delta 1e-07"):
        Curve.of(late, 1e-7)


@settings(max_examples=12, deadline=None)
@given(
    mu=st.floats(0.05, 6.0),
    pure=st.floats(0.0, 3.0),
    gap=st.floats(0.0, 1e-4),
    delta=st.sampled_from([1e-3, 1e-5, 1e-7]),
)
def test_bounds_hold_for_any_profile(gaussian, mu, pure, gap, delta):
    smooth = gaussian(mu)

    def profile(d: float) -> float:
        return pure + smooth(d - gap * delta) if d > gap * delta else math.inf

    curve = Curve.of(profile, delta)
    rates = np.linspace(0, 1, 41)
    hits = np.array([curve.tpr(rate) for rate in rates])
    assert (np.diff(hits) >= 0).all()
    assert (hits >= rates - 1e-12).all()
    assert (hits - rates).max() <= curve.advantage() + 1e-12
    # Every attacker on the Gaussian part alone is allowed for.
    assert (hits >= norm.cdf(norm.ppf(rates) + mu) - 1e-9).all()
    assert curve.gdp().mu >= mu - 1e-6


def test_the_accountants_distribution_gives_bounds_just_above_the_exact_ones():
    import dp_accounting as dpa
    from dp_accounting import pld

    accountant = pld.PLDAccountant(value_discretization_interval=1e-3)
    accountant.compose(dpa.GaussianDpEvent(2.0))  # mu = 1/2
    curve = Curve.of(accountant.get_epsilon, 1e-6)
    for rate in RATES:
        right = norm.cdf(norm.ppf(rate) + 0.5)
        assert right <= curve.tpr(rate) <= right * 1.01
    assert 0.5 <= curve.gdp().mu <= 0.51
