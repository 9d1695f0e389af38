"""Adaptive shrinkage: noise goes, what stands out of it stays, and errors fall for both."""

import numpy as np
import pytest

from dpsynth.models.warm.shrinkage import believed

SD = np.full(400, 0.02)


def seen(truth: np.ndarray, seed: int) -> np.ndarray:
    return truth + np.random.default_rng(seed).normal(size=truth.shape) * SD


@pytest.mark.parametrize("seed", range(3))
def test_noise_alone_goes(seed):
    noise = seen(np.zeros(400), seed)
    assert np.linalg.norm(believed(noise, SD)) < 0.2 * np.linalg.norm(noise)


@pytest.mark.parametrize("seed", range(3))
def test_a_few_large_ones_stay_and_the_rest_goes(seed):
    truth = np.zeros(400)
    truth[:4] = [0.3, -0.25, 0.2, 0.15]
    made = believed(seen(truth, seed), SD)
    np.testing.assert_allclose(made[:4], truth[:4], atol=0.07)
    assert np.linalg.norm(made[4:]) < 0.5 * np.linalg.norm(SD)


@pytest.mark.parametrize("seed", range(3))
def test_many_middling_ones_lose_little(seed):
    truth = np.random.default_rng(seed).normal(size=400) * 0.1
    noisy = seen(truth, seed + 10)
    error = np.linalg.norm(believed(noisy, SD) - truth)
    assert error < 1.02 * np.linalg.norm(noisy - truth)


def test_the_noisier_of_two_equals_is_believed_less():
    truth = np.zeros(400)
    truth[:40] = 0.1
    sd = np.where(np.arange(400) % 2, 0.01, 0.05)
    made = believed(truth, sd)
    assert made[1] > made[0] > 0


def test_without_noise_all_is_believed():
    truth = np.random.default_rng(0).normal(size=50) * 0.1
    np.testing.assert_allclose(believed(truth, np.full(50, 1e-9)), truth, atol=1e-6)


def test_nothing_seen_gives_nothing():
    assert believed(np.zeros(0), np.zeros(0)).shape == (0,)
