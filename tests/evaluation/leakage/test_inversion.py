"""Inverted classifiers: 0 where nobody was trained on, high for a plain copy, and in between."""

import numpy as np
import pytest
from pictured import flat, noisy

from dpsynth.evaluation.leakage.inversion import LEAST, _contrasts, _spread, inversion
from dpsynth.evaluation.shown import UNKNOWN


def test_the_contrast_worked_by_hand():
    # Patient 0 (ill) has shades 0 and 255: as read -1 and 1, mean 0; patient 1 (ill) has 255:
    # 1. Patients weigh the same: .5. Patient 2 (well) has 0: -1. Contrast 1.5; without patient 0
    # it is 2.
    given = flat([0, 255, 255, 0], patients=[0, 0, 1, 2], code=[1, 1, 1, 0], classes=("w", "i"))
    found = _contrasts(given, np.array([[1.0, 1.0, 1.0], [0.0, 1.0, 1.0]]))
    np.testing.assert_allclose(found, [[1.5] * 16, [2.0] * 16], rtol=1e-6)


def test_the_root_of_the_spread_and_its_inverse():
    rows = np.random.default_rng(0).normal(size=(200, 6)) @ np.diag([1, 2, 3, 4, 5, 6.0])
    root, inverse = _spread(rows)
    np.testing.assert_allclose(root @ inverse, np.eye(6), atol=1e-9)
    assert np.diag(root @ root) == pytest.approx(np.arange(1, 7) ** 2, rel=0.5)


def test_a_plain_copy_shows_who_was_trained_on_and_fresh_patients_do_not():
    members, outsiders, fresh = (noisy(160, seed) for seed in (1, 2, 3))
    usual = inversion(fresh, members, outsiders)
    copied = inversion(members, members, outsiders)
    half = fresh.like(
        np.where(np.arange(160)[:, None, None, None] < 80, members.pixels, fresh.pixels)
    )
    some = inversion(half, members, outsiders)
    assert usual.low < 0 < usual.high
    assert copied.low > usual.high and copied.value > some.value > usual.value
    assert inversion(outsiders, members, outsiders).high < 0


def test_fresh_patients_give_zero_and_intervals_hold_it():
    tries = [
        inversion(*(noisy(100, 3 * seed + k) for k in range(3)), replicates=100)
        for seed in range(40)
    ]
    values = np.array([each.value for each in tries])
    # Mean of 40 within 5 standard errors: false alarm 6e-7.
    assert abs(values.mean()) < 5 * values.std() / np.sqrt(40)
    # Intervals of 95 %: fewer than 28 of 40 has a chance below 1e-6 if they are right.
    assert sum(each.low <= 0 <= each.high for each in tries) >= 28


def test_what_cannot_be_assessed_is_said():
    some = noisy(2 * LEAST, 1)
    assert str(LEAST) in inversion(some, noisy(2 * LEAST - 1, 2), some).note
    lost = noisy(2 * LEAST, 2)
    lost.code[:2] = UNKNOWN
    assert str(LEAST) in inversion(some, some, lost).note
    one_class = flat([1, 2, 3], code=[1, 1, 1], classes=("well", "ill"), size=8)
    assert "one class" in inversion(one_class, some, some).note
    same = flat([128] * 20, code=[0, 1] * 10, classes=("well", "ill"), size=8)
    assert inversion(same, some, some).note == "the training pictures are all alike"
    empty = flat([], total=3, size=8)
    assert not inversion(empty, some, some).assessable


def test_the_seed_decides():
    members, outsiders, fresh = (noisy(60, seed) for seed in (1, 2, 3))
    assert inversion(fresh, members, outsiders, seed=5) == inversion(
        fresh, members, outsiders, seed=5
    )
