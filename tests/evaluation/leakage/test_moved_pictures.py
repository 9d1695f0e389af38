"""Copies that were flipped and shifted: found where they lie, and no one else is accused."""

import numpy as np
import pytest
from pictured import flat, noisy

from dpsynth.evaluation.fidelity import picture_features
from dpsynth.evaluation.fidelity.picture_features import trained
from dpsynth.evaluation.leakage.moved_pictures import near_ratio_moved, picture_copies
from dpsynth.evaluation.leakage.near_pictures import LEAST, Nearness, near_ratio, nearness
from dpsynth.evaluation.leakage.views import (
    SHIFT,
    as_features,
    as_they_are,
    flipped_and_shifted,
)
from dpsynth.evaluation.shown import Shown, small


def near(synthetic: Shown, members: Shown, outsiders: Shown) -> Nearness:
    return nearness(synthetic, members, outsiders, flipped_and_shifted, np.random.default_rng(0))


def planted(fresh: Shown, members: Shown, share: float) -> Shown:
    """Copies in place of some: flipped, shifted right by a pixel, with slight noise."""
    rng, some = np.random.default_rng(9), round(share * len(fresh))
    turned = members.pixels[:some, :, ::-1].astype(int)
    moved = np.concatenate([turned[:, :, :1], turned[:, :, :-1]], axis=2)
    pixels = fresh.pixels.copy()
    pixels[:some] = np.clip(moved + rng.integers(-5, 6, moved.shape), 0, 255)
    return fresh.like(pixels)


def test_views_are_flips_and_shifts_of_what_is_inside():
    pixels = np.arange(16 * 16, dtype=np.uint8).reshape(1, 16, 16, 1)
    views = list(flipped_and_shifted(pixels))
    assert len(views) == 2 * (2 * SHIFT + 1) ** 2
    np.testing.assert_array_equal(views[0], small(pixels[:, 2:14, 2:14]))
    # Row 0 begins with 0, 1, 2: its flip begins with 15, 14, 13.
    corner = [round(float(each[0, 0] * 255)) for each in views]
    assert 0 in corner and 4 * 16 + 4 in corner and 15 in corner
    # Colours are put together: (0 + 3 + 6) / 3 is 3, as in a grey picture of 3.
    coloured = np.concatenate([pixels // 64, pixels // 64 + 3, pixels // 64 + 6], axis=3)
    grey = next(iter(flipped_and_shifted(pixels // 64 + 3)))
    np.testing.assert_allclose(next(iter(flipped_and_shifted(coloured))), grey, rtol=1e-6)
    # A small picture is shifted by an eighth of its side at most.
    assert len(list(flipped_and_shifted(pixels[:, :8, :8]))) == 2 * 3**2
    assert len(list(flipped_and_shifted(pixels[:, :4, :4]))) == 2


def test_flipped_and_shifted_copies_of_a_tenth_are_found():
    members, outsiders, fresh = (noisy(200, seed, size=16) for seed in (1, 2, 3))
    copied = planted(fresh, members, 0.1)
    usual, found = near(fresh, members, outsiders), near(copied, members, outsiders)
    assert picture_copies(usual).value == 0.0
    assert picture_copies(found).value == pytest.approx(0.1)
    assert picture_copies(found).low > picture_copies(usual).high > 0
    assert near_ratio_moved(found).high < near_ratio_moved(usual).low
    # Pixel by pixel they are as far as any other picture.
    as_is = near_ratio(copied, members, outsiders)
    assert as_is.low < 1 < as_is.high


def test_copies_of_outsiders_are_no_leak():
    members, outsiders, fresh = (noisy(80, seed, size=16) for seed in (1, 2, 3))
    found = near(planted(fresh, outsiders, 0.5), members, outsiders)
    # Taken off: -.5, as a copy of the members is .5.
    assert picture_copies(found).value == -0.5 and near_ratio_moved(found).low > 1


def test_chance_alone_is_rarely_taken_for_copies():
    # One copied: the interval holds 0; 20 of 200: .1 +- 1.96 sqrt((21 - 2) / 201 / 200).
    n = 200
    for hits, half in ((0, 0.0098), (1, 0.0138), (20, 0.0426)):
        to = np.ones((n, 20))
        to[:hits] = 0.1
        made = Nearness(to_members=to, to_outsiders=np.ones((n, 20)), synthetic=noisy(n, 1))
        found = picture_copies(made)
        assert found.value == pytest.approx(hits / n)
        assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.01)


def test_a_patient_with_two_copies_counts_once():
    # Five patients of two pictures; the first has copied both, the second one.
    members, outsiders = noisy(80, 1), noisy(80, 2)
    fresh = noisy(10, 3, patients=5)
    pixels = fresh.pixels.copy()
    pixels[:3] = members.pixels[:3]
    assert picture_copies(near(fresh.like(pixels), members, outsiders)).value == pytest.approx(0.4)


def test_pictures_that_are_equal_everywhere_are_no_copies():
    same = flat([7] * LEAST, size=8)
    found = near(same, same, same)
    assert picture_copies(found).value == 0.0 and near_ratio_moved(found).value == 1.0


def test_what_cannot_be_assessed_is_said():
    some, few = flat([1] * LEAST), flat([1] * (LEAST - 1))
    for metric in (near_ratio_moved, picture_copies):
        assert "no pictures" in metric(near(flat([], total=2), some, some)).note
        assert str(LEAST) in metric(near(some, few, some)).note


def test_a_copy_is_found_by_what_a_network_sees(monkeypatch):
    monkeypatch.setattr(picture_features, "PATIENTS", 40)
    monkeypatch.setattr(picture_features, "STEPS", 10)
    trained.cache_clear()
    members, outsiders, fresh = (noisy(120, seed) for seed in (1, 2, 3))
    assert len(next(iter(as_features(fresh.pixels)))) == 120
    usual = near_ratio(fresh, members, outsiders, views=as_features)
    assert usual.low < 1 < usual.high
    assert near_ratio(members, members, outsiders, views=as_features).high < usual.low
    trained.cache_clear()


def test_distances_decide_and_the_seed():
    members, outsiders, fresh = (noisy(60, seed) for seed in (1, 2, 3))
    made = near(fresh, members, outsiders)
    assert near_ratio_moved(made, seed=4) == near_ratio_moved(made, seed=4)
    # The views hold the picture as it is: none is farther than there, without the margin.
    alone = nearness(
        fresh, members, outsiders, lambda p: as_they_are(p[:, 1:-1, 1:-1]), np.random.default_rng(0)
    )
    assert (made.to_members <= alone.to_members + 1e-9).all()
