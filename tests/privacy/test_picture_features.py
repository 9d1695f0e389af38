"""Sums of Fourier features: worked by hand, and moved by at most 1 by any one patient."""

from dataclasses import replace

import numpy as np
import pytest
from test_picture_sums import (
    BOOK,
    CLASSES,
    EVERYBODY,
    SPECTRUM,
    extremes,
    patient,
    picture,
    together,
)

from dpsynth.privacy.picture_features import FourierSums
from dpsynth.privacy.picture_sums import Classes, OfPictures
from dpsynth.privacy.query import Query, Slot, joint_sensitivity

RNG = np.random.default_rng(0)


def sums(classes: Classes = CLASSES[1], scale: float = 0.3, many: int = 50) -> FourierSums:
    of = OfPictures(spectrum=SPECTRUM, classes=classes, centre=np.zeros(SPECTRUM.width))
    return FourierSums(of=of, frequencies=RNG.normal(size=(many, SPECTRUM.width)) * scale)


@pytest.mark.parametrize("classes", CLASSES, ids=["none", "visit", "patient"])
@pytest.mark.parametrize("scale", [0.0, 1e-3, 0.3, 1e6, 1e307])  # the last overflows
def test_one_patient_moves_the_answer_by_1_at_most(classes, scale):
    asked = sums(classes, scale)
    before = asked.answer(EVERYBODY, BOOK)
    assert np.isfinite(before).all()
    moved = [
        float(np.linalg.norm(asked.answer(together(EVERYBODY, more), BOOK) - before))
        for more in extremes()
    ]
    assert max(moved) <= asked.sensitivity * (1 + 1e-9)
    assert max(moved) > 0.999 or scale == 1e307  # a control: it bites
    assert moved[0] == 0  # who has no picture adds nothing


def test_leaving_moves_no_more_than_joining():
    asked = sums()
    before = asked.answer(EVERYBODY, BOOK)
    for gone in range(len(EVERYBODY)):
        rest = EVERYBODY.take(np.delete(np.arange(len(EVERYBODY)), gone))
        assert np.linalg.norm(asked.answer(rest, BOOK) - before) <= 1 + 1e-9


def test_sums_and_counts_together_move_by_the_joint_sensitivity():
    asked = [sums(), Query(slots=(Slot("now", 0),), weight=2.0)]
    assert joint_sensitivity(asked) == pytest.approx(5**0.5)  # 1 and 2 by Pythagoras
    before = [each.answer(EVERYBODY, BOOK) for each in asked]
    for more in extremes():
        after = [each.answer(together(EVERYBODY, more), BOOK) for each in asked]
        moved = [q.weight * (b - a).ravel() for q, a, b in zip(asked, before, after, strict=True)]
        assert np.linalg.norm(np.concatenate(moved)) <= 5**0.5 + 1e-9


def test_sums_worked_by_hand():
    # Frequency 0 gives (cos, sin) = (1, 0). The other turns white by a quarter: (0, 1).
    white = picture(255)
    first = SPECTRUM.of(white[None])[0, 0]
    W = np.zeros((2, SPECTRUM.width))
    W[1, 0] = np.pi / 2 / first
    asked = replace(sums(), frequencies=W)
    given = patient([1, 2], np.stack([white, white]))
    half = 0.5 / 2**0.5  # half a patient's weight in each class, over the root of 2 frequencies
    expected = [[0, 0, 0, 0], [half, 0, 0, half], [half, 0, 0, half]]
    np.testing.assert_allclose(asked.answer(given, BOOK), expected, atol=1e-12)


def test_a_patient_counts_once_however_many_pictures_there_are():
    one = patient([1], picture(seed=1)[None])
    four = patient([1] * 4, np.stack([picture(seed=1)] * 4))
    asked = sums()
    np.testing.assert_allclose(asked.answer(one, BOOK), asked.answer(four, BOOK))
    assert np.linalg.norm(asked.answer(four, BOOK)) == pytest.approx(1.0)


def test_products_are_the_gaussian_kernel():
    # E cos(w (x - y)) = exp(-|x - y|^2 / (2 b^2)) for w ~ N(0, 1 / b^2); 20,000 frequencies
    # leave a stddev of at most .005, so .04 is passed by once in 10^14 times.
    b = 4.0
    asked = sums(Classes(), 1 / b, 20_000)
    one, other = picture(seed=1), picture(seed=2)
    x, y = (asked.answer(patient([0], each[None]), BOOK)[0] for each in (one, other))
    apart = np.linalg.norm(SPECTRUM.of(one[None]) - SPECTRUM.of(other[None]))
    assert 0.1 < np.exp(-((apart / b) ** 2) / 2) < 0.9
    assert x @ y == pytest.approx(np.exp(-((apart / b) ** 2) / 2), abs=0.04)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_frequencies_that_are_not_finite_add_nothing(wrong):
    asked = replace(sums(), frequencies=np.full((3, SPECTRUM.width), wrong))
    assert not asked.answer(EVERYBODY, BOOK).any()
