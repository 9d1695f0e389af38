"""Checks of noise and sampler: quiet on honest draws, loud on each fault."""

import numpy as np
import pytest
from scipy import stats

from dpsynth.privacy.audit import checks

ALARM = 1e-6
STEPS, CANARIES, RATE = 200, 40, 0.1


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def poisson(rng):
    return rng.random((STEPS, CANARIES)) < RATE


def turns(rng):
    """Shuffled batches: each canary once in every ten steps."""
    parts = [rng.permutation(np.arange(CANARIES) % 10) for _ in range(STEPS // 10)]
    return np.concatenate([[part == batch for batch in range(10)] for part in parts])


def fixed_size(rng):
    """Batches of as many canaries each, drawn without replacement."""
    size = int(CANARIES * RATE)
    return np.array(
        [np.isin(np.arange(CANARIES), rng.permutation(CANARIES)[:size]) for _ in range(STEPS)]
    )


def test_honest_noise_passes(rng):
    noise = rng.normal(size=(STEPS, CANARIES))
    for check in (checks.spread, checks.shape, checks.repeats, checks.neighbours):
        assert check(noise) > ALARM


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_a_tenth_of_noise_too_little_or_too_much_is_seen(rng, factor):
    assert checks.spread(factor * rng.normal(size=(STEPS, CANARIES))) < ALARM


def test_noise_that_is_not_gaussian_is_seen(rng):
    uniform = rng.uniform(-(3**0.5), 3**0.5, (STEPS, CANARIES))  # variance 1
    assert checks.spread(uniform) > ALARM or uniform.var() < 1
    assert checks.shape(uniform) < ALARM


@pytest.mark.parametrize("period", [1, 50, 150])
def test_noise_that_comes_again_is_seen_at_any_lag(rng, period):
    noise = rng.normal(size=(STEPS, CANARIES))
    noise = noise[np.arange(STEPS) % period]
    assert checks.repeats(noise) < ALARM


def test_noise_shared_by_neighbouring_weights_is_seen(rng):
    noise = rng.normal(size=(STEPS, CANARIES)).repeat(2, axis=1)
    assert checks.neighbours(noise) < ALARM


def test_one_step_has_no_lag():
    assert checks.repeats(np.ones((1, 5))) == 1.0
    assert checks.neighbours(np.ones((5, 1))) == 1.0


def test_honest_sampling_passes(rng):
    there = poisson(rng)
    assert checks.frequency(there, RATE) > ALARM
    assert checks.evenness(there, RATE) > ALARM
    assert checks.company(there, RATE) > ALARM


def test_a_doubled_batch_is_seen(rng):
    assert checks.frequency(rng.random((STEPS, CANARIES)) < 2 * RATE, RATE) < ALARM


def test_turns_are_seen_though_the_rate_is_right(rng):
    there = turns(rng)
    assert there.mean() == pytest.approx(RATE)
    assert checks.frequency(there, RATE) > ALARM
    assert checks.evenness(there, RATE) < ALARM


def test_batches_of_one_size_are_seen(rng):
    there = fixed_size(rng)
    assert checks.evenness(there, RATE) > ALARM
    assert checks.company(there, RATE) < ALARM


def test_a_rate_of_one_means_always():
    everyone = np.ones((5, 4), dtype=bool)
    assert checks.evenness(everyone, 1.0) == 1.0
    everyone[0, 0] = False
    assert checks.evenness(everyone, 1.0) == 0.0


def test_p_values_of_honest_draws_are_not_too_small():
    # 300 runs of each check, threshold 0.05: 15 expected. More than 36 has chance 1e-6.
    rng, low = np.random.default_rng(3), dict.fromkeys(range(7), 0)
    for _ in range(300):
        noise, there = rng.normal(size=(30, 8)), rng.random((30, 8)) < 0.2
        found = [
            checks.spread(noise),
            checks.shape(noise),
            checks.repeats(noise),
            checks.neighbours(noise),
            checks.frequency(there, 0.2),
            checks.evenness(there, 0.2),
            checks.company(there, 0.2),
        ]
        for place, p in enumerate(found):
            low[place] += p < 0.05
    assert stats.binom.sf(36, 300, 0.05) < ALARM
    assert max(low.values()) <= 36, low


def test_few_steps_that_are_alike_by_chance_are_no_fault():
    # Four batches of exactly the mean: a dispersion of 0, which happens once in 180 honest runs.
    there = np.tile(np.arange(9) < 3, (4, 1))
    assert checks.company(there, 1 / 3) == 1.0
