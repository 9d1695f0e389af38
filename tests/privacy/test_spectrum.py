"""Spectra of pictures: there and back, and the public sizes of frequencies."""

import numpy as np
import pytest

from dpsynth.privacy.spectrum import GREY_SD, Spectrum

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("channels", [1, 3])
def test_with_all_frequencies_a_picture_comes_back(channels):
    whole = Spectrum(size=8, channels=channels, kept=8)
    pictures = RNG.integers(0, 256, (5, 8, 8, channels)).astype(np.uint8)
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
    assert few.width == 48


def test_too_many_frequencies_are_refused():
    with pytest.raises(ValueError, match=r"kept must be in 1\.\.8, got 9"):
        Spectrum(size=8, channels=1, kept=9)
