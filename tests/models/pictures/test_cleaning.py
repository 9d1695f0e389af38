"""Noise is taken out of means and covariances, and what is told of classes is told of answers."""

import numpy as np
import pytest

from dpsynth.models.class_noise import class_noise
from dpsynth.models.cleaning import EVEN, covariance, explained, roots, settled
from dpsynth.privacy.spectrum import Spectrum

FLAT = Spectrum(size=8, channels=1, kept=5)
FREE = Spectrum(size=8, channels=1, kept=5, upright=False)
WIDTH = 25


def symmetric(noise: np.ndarray) -> np.ndarray:
    """Of cells with a standard deviation of 1: half the variance off the diagonal."""
    return (noise + noise.swapaxes(-1, -2)) / 2


PLAIN = Spectrum(size=8, channels=1, kept=2)  # four numbers in one octave


def test_the_nearest_covariance_keeps_the_trace_and_has_some_variance_everywhere():
    # Eigenvalues 5, 1, 0, -2, trace 4: lowered by 1 they are 4, 0, 0, 0, which add up to 4. A
    # tenth of the 4 is spread evenly over the four numbers.
    made = covariance(np.diag([5.0, 1.0, 0.0, -2.0]), PLAIN)
    np.testing.assert_allclose(made, np.diag([3.6 + EVEN, EVEN, EVEN, EVEN]), atol=1e-12)
    clean = np.diag([3.0, 2.0, 2.0, 1.0])
    even = (1 - EVEN) * clean + EVEN * 2 * np.eye(4)
    np.testing.assert_allclose(covariance(clean, PLAIN), even, atol=1e-12)


@pytest.mark.parametrize("noise", [0.5, 2.0])
def test_a_covariance_out_of_noise_finds_fresh_draws_likely(noise):
    # Against the projection to what is not negative, which leaves directions without variance.
    rng = np.random.default_rng(5)
    truth = np.diag(np.geomspace(3.0, 0.2, WIDTH))
    fresh = rng.normal(size=(2000, WIDTH)) * np.sqrt(np.diag(truth))
    noisy = truth + noise * symmetric(rng.normal(size=(WIDTH, WIDTH)))
    values, vectors = np.linalg.eigh(noisy)
    cut = (vectors * np.maximum(values, 1e-4)) @ vectors.T

    def surprise(made: np.ndarray) -> float:
        _, size = np.linalg.slogdet(made)
        return float(size + np.einsum("ni,ij,nj->n", fresh, np.linalg.inv(made), fresh).mean())

    best, found, plain = (surprise(each) for each in (truth, covariance(noisy, FLAT), cut))
    assert best < found < best + 0.1 * (plain - best)


def test_roots_have_orthogonal_columns():
    rng = np.random.default_rng(7)
    moments = 100 * (np.eye(WIDTH) + 0.3 * symmetric(rng.normal(size=(2, WIDTH, WIDTH))))
    counts = np.array([100.0, 100.0])
    for made in roots(moments, np.zeros((2, WIDTH)), counts, 10.0, FLAT):
        products = made.T @ made
        np.testing.assert_allclose(products, np.diag(np.diag(products)), atol=1e-9)
        assert np.diag(products).min() > 0.02


def test_a_class_that_differs_by_noise_alone_gets_the_covariance_of_all():
    rng = np.random.default_rng(0)
    counts = np.array([1000.0, 50.0])
    moments = counts[:, None, None] * np.eye(WIDTH)
    moments = moments + symmetric(rng.normal(size=(2, WIDTH, WIDTH)) * 3.0)
    none = np.zeros((2, WIDTH))
    blind = roots(moments, none, counts, 1e-9, FLAT)
    aware = roots(moments, none, counts, 3.0 / 2**0.5, FLAT)
    error = [np.abs(each[1] @ each[1].T - np.eye(WIDTH)).mean() for each in (blind, aware)]
    assert error[0] > 0.01  # a control: noise is there to be taken out
    assert error[1] < 0.5 * error[0]


@pytest.mark.parametrize("spectrum", [FLAT, FREE], ids=["upright", "free"])
def test_noise_alone_explains_noise_and_a_plain_difference_stays(spectrum):
    rng = np.random.default_rng(1)
    noise = spectrum.even_products(symmetric(rng.normal(size=(300, WIDTH, WIDTH))))
    left = np.mean([(explained(n, 0.5**0.5, spectrum) ** 2).sum() for n in noise])
    # The positive part lets through what is by chance longer than expected: under a third.
    assert left < 0.33 * (noise**2).sum(axis=(1, 2)).mean()
    plain = spectrum.even_products(symmetric(rng.normal(size=(WIDTH, WIDTH)))) + np.eye(WIDTH)
    np.testing.assert_allclose(explained(plain, 1e-9, spectrum), plain, atol=1e-9)


def test_means_are_drawn_to_that_of_all_where_noise_explains_them():
    rng = np.random.default_rng(2)
    truth = np.zeros((3, WIDTH))
    truth[1] = 2.0  # class 1 differs in every number
    counts = np.array([2000.0, 400.0, 30.0])
    sums = truth * counts[:, None] + 40 * rng.normal(size=(3, WIDTH))
    raw, made = sums / counts[:, None], settled(sums, counts, 40.0, FLAT)
    errors = [((each - truth) ** 2).sum(axis=1) for each in (raw, made)]
    assert errors[1][2] < 0.4 * errors[0][2]  # the rarest is all noise
    assert errors[1][1] < 1.2 * errors[0][1] < 1.0  # a clear one is left alone
    np.testing.assert_allclose(settled(sums, counts, 0.0, FLAT), raw, atol=1e-9)


def test_pictures_without_a_way_up_have_means_without_one():
    # Of 25 numbers, 6 are free (see test_spectrum): 19 parts of 25 of the noise go.
    rng = np.random.default_rng(3)
    sums = rng.normal(size=(2, WIDTH)) * 50
    made = settled(sums, np.array([100.0, 100.0]), 0.0, FREE)
    np.testing.assert_allclose(made, FREE.even(made), atol=1e-12)
    assert np.abs(made.reshape(2, 5, 5)[:, 1::2]).max() == 0


def told(gap: float, count: float, noise_sd: float, rng: np.random.Generator) -> tuple:
    """A class whose first number is that far from that of a common one."""
    counts = np.array([1e6, count])
    sums = np.zeros((2, WIDTH))
    sums[1, 0] = gap * count
    return class_noise(
        ("common", "rare"), counts, sums + noise_sd * rng.normal(size=sums.shape), noise_sd, FLAT
    )


def test_what_noise_leaves_of_a_class_worked_by_hand():
    # Number 0 is the mean shade times 8, over its public size s: a gap of g is 127.5 g s / 8
    # shades in every pixel. Noise of sd/count = 0.02 in each number is 127.5 * 0.02 * sqrt(sum
    # of squared sizes) / 8 shades in a pixel.
    size = FLAT.scale[FLAT.held]
    _, rare = told(1.0, 100.0, 0.0, np.random.default_rng(0))
    assert rare.name == "rare"
    assert rare.units == 100.0
    assert rare.signal == pytest.approx(127.5 * size[0] / 8, rel=1e-3)
    assert rare.noise == 0 and not rare.lost
    _, rare = told(0.0, 100.0, 2.0, np.random.default_rng(0))
    assert rare.noise == pytest.approx(127.5 * 0.02 * np.sqrt((size**2).sum()) / 8)


def test_a_class_of_noise_alone_is_lost_and_a_clear_one_is_not():
    rng = np.random.default_rng(4)
    # Noise alone: signal above noise needs squares of twice their mean. The first number has
    # most of the public size, so this is about a chi-square of few degrees of freedom.
    nothing = [told(0.0, 30.0, 30.0, rng)[1] for _ in range(200)]
    assert np.mean([each.lost for each in nothing]) > 0.8
    assert not any(told(20.0, 30.0, 30.0, rng)[1].lost for _ in range(50))
