"""Spectra of pictures: there and back, and the public sizes of frequencies."""

import numpy as np
import pytest

from dpsynth.privacy.spectrum import GREY_SD, Spectrum

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("channels", [1, 3])
def test_with_all_frequencies_a_grey_picture_comes_back(channels):
    whole = Spectrum(size=8, channels=channels, kept=8)
    pictures = RNG.integers(0, 256, (5, 8, 8, 1)).astype(np.uint8).repeat(channels, axis=3)
    np.testing.assert_allclose(whole.back(whole.of(pictures)), pictures, atol=1)


def test_an_even_picture_has_one_frequency():
    # White is 1 at 64 pixels: its first cosine is 64 / 8 = 8, over its public size.
    few = Spectrum(size=8, channels=1, kept=3)
    numbers = few.of(np.full((1, 8, 8, 1), 255, dtype=np.uint8))[0]
    np.testing.assert_allclose(numbers[0] * few.scale[0, 0, 0], 8.0)
    np.testing.assert_allclose(numbers[1:], 0.0, atol=1e-12)


def test_the_public_sizes_hold_all_of_a_grey_pictures_power():
    whole = Spectrum(size=16, channels=1, kept=16)
    assert (whole.scale**2).sum() == pytest.approx(16 * 16 * GREY_SD**2)


def test_what_is_cut_off_is_nothing():
    few = Spectrum(size=16, channels=3, kept=4)
    numbers = RNG.normal(size=(3, few.width)) * 0.1
    np.testing.assert_allclose(few.of(few.back(numbers)), numbers, atol=0.3)
    assert few.width == 16 + 2 * 4


def test_too_many_frequencies_are_refused():
    with pytest.raises(ValueError, match=r"kept must be in 1\.\.8, got 9"):
        Spectrum(size=8, channels=1, kept=9)


def ways_of(pictures: np.ndarray) -> list[np.ndarray]:
    mirrored = [pictures, pictures[:, :, ::-1], pictures[:, ::-1], pictures[:, ::-1, ::-1]]
    return mirrored + [each.transpose(0, 2, 1, 3) for each in mirrored]


@pytest.mark.parametrize("channels", [1, 3])
def test_the_eight_ways_are_those_of_the_picture(channels):
    free = Spectrum(size=12, channels=channels, kept=5, upright=False)
    pictures = RNG.integers(0, 256, (4, 12, 12, channels)).astype(np.uint8)
    numbers, found = free.of(pictures), []
    for places, signs in zip(*free.ways, strict=True):
        made = numbers[:, places] * signs
        same = [np.allclose(free.of(way), made) for way in ways_of(pictures)]
        assert sum(same) == 1
        found.append(same.index(True))
    assert sorted(found) == list(range(8))


def test_the_mean_over_ways_is_that_of_turned_pictures():
    free = Spectrum(size=12, channels=3, kept=5, upright=False)
    pictures = RNG.integers(0, 256, (6, 12, 12, 3)).astype(np.uint8)
    turned = [free.of(way) for way in ways_of(pictures)]
    np.testing.assert_allclose(free.even(free.of(pictures)), np.mean(turned, axis=0), atol=1e-9)
    products = [z.T @ z for z in turned]
    z = free.of(pictures)
    np.testing.assert_allclose(free.even_products(z.T @ z), np.mean(products, axis=0), atol=1e-8)


def test_free_numbers_are_counted():
    # Of 5 x 5 frequencies the 3 x 3 even ones stay, alike across the diagonal: 6 are free. In
    # each difference of colours 3 x 3 are kept, 2 x 2 of them even: 3 are free.
    free = Spectrum(size=12, channels=3, kept=5, upright=False)
    assert free.freedom(np.ones(free.width, dtype=bool)) == pytest.approx(6 + 3 + 3)
    same, (places, signs) = np.eye(free.width), free.ways
    whole = np.mean([same[p] * s[:, None] for p, s in zip(places, signs, strict=True)], axis=0)
    assert np.trace(whole) == pytest.approx(12)
    # Noise of products keeps that share of its square: 400 draws of 43^2 cells, off by 6 %
    # would be 20 standard deviations.
    noise = RNG.normal(size=(400, free.width, free.width))
    kept = (free.even_products(noise) ** 2).sum(axis=(1, 2)).mean()
    every = np.ones(free.width, dtype=bool)
    assert kept == pytest.approx(free.freedom_of_products(every, every), rel=0.06)


def test_upright_pictures_are_as_they_are():
    plain = Spectrum(size=8, channels=1, kept=3)
    numbers = RNG.normal(size=(2, 9))
    np.testing.assert_array_equal(plain.even(numbers), numbers)
    assert plain.freedom(np.ones(9, dtype=bool)) == 9
    low = np.arange(9) < 2
    assert plain.freedom_of_products(np.ones(9, dtype=bool), low) == 18


def test_colours_are_kept_at_half_the_lines():
    few = Spectrum(size=16, channels=3, kept=5)
    assert few.held.sum(axis=(1, 2)).tolist() == [25, 9, 9]
    assert few.width == len(few.bands) == 43
