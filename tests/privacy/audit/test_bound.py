"""Lower bounds of epsilon: below the truth where it is known, near it where there is enough."""

import numpy as np
import pytest
from scipy import stats

from dpsynth.privacy.accountant import SEARCH, epsilon_pld, event
from dpsynth.privacy.audit import bound
from dpsynth.privacy.plan import DPSGD

ALARM = 1e-6
TRAINING = DPSGD(
    noise_multiplier=1.0, clip_norm=1.0, sample_rate=0.1, expected_batch=10.0, steps=100
)


def seen(rng, sigma, steps=200, canaries=100, rate=0.1):
    present = rng.random((steps, canaries)) < rate
    return present + sigma * rng.normal(size=present.shape), present


@pytest.mark.parametrize("sigma", [0.3, 2.0, 5.0])  # the first by a threshold, the rest by ranks
def test_separation_covers_the_truth_as_often_as_it_says(sigma):
    # The truth is 1 / sigma; at alpha 0.05 and 200 runs a bound above it 10 times on
    # average; more than 29 has chance 1e-6.
    rng, above = np.random.default_rng(1), 0
    for _ in range(200):
        above += bound.separation(*seen(rng, sigma, steps=20), sigma, 0.05) > 1 / sigma
    assert stats.binom.sf(29, 200, 0.05) < ALARM
    assert above <= 29


def test_separation_is_tight_with_many_canaries():
    heard, present = seen(np.random.default_rng(2), 1.0)
    assert 0.9 < bound.separation(heard, present, 1.0, 0.05) < 1.0


def test_nothing_is_proved_of_noise_alone_or_of_nobody():
    rng = np.random.default_rng(3)
    noise = rng.normal(size=1000)
    assert bound.separation(noise, rng.random(1000) < 0.5, 1.0, 0.05) < 0.2
    assert bound.separation(noise, np.zeros(1000, dtype=bool), 1.0, 0.05) == 0.0
    assert bound.steps_epsilon(0.0, TRAINING, 1e-5) == 0.0


def test_epsilon_of_the_true_separation_is_the_accountants():
    claimed = epsilon_pld(event((), TRAINING), 1e-5, SEARCH)
    assert bound.steps_epsilon(1.0, TRAINING, 1e-5) == pytest.approx(claimed)


@pytest.mark.parametrize(("sigma", "caught"), [(2.0, False), (1.4, True)])
def test_less_noise_than_claimed_shows_in_the_errors(sigma, caught):
    p = bound.separated(*seen(np.random.default_rng(4), sigma), 2.0)
    assert (p < ALARM) == caught


def test_one_run_bound_by_hand():
    # 20 of 20 coins right, no delta: (e^eps / (1 + e^eps))^20 = 0.05 at eps = log(q / (1 - q)),
    # q = 0.05^(1/20) = 0.86089.
    coins = np.arange(20) % 2 == 0
    q = 0.05 ** (1 / 20)
    assert bound.one_run_epsilon(coins, coins, 0.0, 0.05) == pytest.approx(
        np.log(q / (1 - q)), abs=1e-6
    )
    assert bound.one_run_epsilon(~coins, coins, 0.0, 0.05) == 0.0


def test_a_delta_weakens_the_one_run_bound():
    coins = np.arange(200) % 2 == 0
    free, paid = (bound.one_run_epsilon(coins, coins, d, 0.05) for d in (0.0, 1e-4))
    assert paid < free


def test_coins_that_nobody_guesses_weaken_a_bound_with_delta():
    coins = np.arange(100) % 2 == 0
    every, some = (bound.one_run_epsilon(coins, coins, 1e-5, 0.05, n) for n in (100, 5000))
    assert some < every
    assert bound.one_run_epsilon(coins, coins, 0.0, 0.05, 5000) == pytest.approx(
        bound.one_run_epsilon(coins, coins, 0.0, 0.05)
    )


def test_one_run_bound_covers_randomised_response():
    # Coins told rightly with chance e / (1 + e) are exactly 1-DP: above 1 in 5 % of runs.
    rng, above = np.random.default_rng(5), 0
    for _ in range(200):
        coins = rng.random(300) < 0.5
        told = np.where(rng.random(300) < 1 / (1 + np.exp(-1)), coins, ~coins)
        above += bound.one_run_epsilon(told, coins, 0.0, 0.05) > 1.0
    assert above <= 29


def test_evidence_tells_members_by_many_steps():
    rng = np.random.default_rng(6)
    joined = np.arange(60) % 2 == 0
    present = (rng.random((400, 60)) < 0.2) & joined
    heard = present + rng.normal(size=present.shape)
    right = (bound.evidence(heard, 0.2, 1.0) > 0) == joined
    assert right.mean() > 0.9
