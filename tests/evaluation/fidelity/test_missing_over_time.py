"""Missing values by visit."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.data.codec import Tokens
from dpsynth.evaluation.fidelity.missing import missing_over_time

GONE = 10  # the code of a missing pressure; therapies and gaps are never missing


def seen(pressures: list[list[int]]) -> Tokens:
    """Patients of the clinic with those codes of the pressure."""
    visits = np.full((len(pressures), 4, 3), -1, dtype=np.int16)
    for patient, codes in enumerate(pressures):
        visits[patient, : len(codes)] = [(0, code, 0) for code in codes]
    length = np.array([len(codes) for codes in pressures], dtype=np.int16)
    return Tokens(static=np.zeros((len(length), 3), dtype=np.int16), visits=visits, length=length)


def test_four_patients_by_hand(clinic_codec):
    # First visits: 1 of 4 missing against 0 of 4; second: 1 of 2 against 2 of 2. Weighted by
    # the real patients there: (4 * 1/4 + 2 * 1/2) / 6.
    real = seen([[GONE], [3], [3, GONE], [3, 3]])
    other = seen([[3], [3], [3, GONE], [3, GONE]])
    made = missing_over_time(real, other, clinic_codec)
    assert made.value == pytest.approx(1 / 3)
    assert made.low <= made.value <= made.high
    assert missing_over_time(real, real, clinic_codec).value == 0.0


def test_a_visit_that_nobody_has_is_the_greatest_difference(clinic_codec):
    # Two real patients at the first visit (alike), one at the second, which the other lacks.
    real, other = seen([[GONE, GONE], [3]]), seen([[GONE], [3]])
    assert missing_over_time(real, other, clinic_codec).value == pytest.approx(1 / 3)
    assert missing_over_time(real, seen([]), clinic_codec).value == 1.0


def test_values_that_go_missing_later_are_found(clinic_codec):
    # Missing at half of third and fourth visits, in the copy at a quarter of all. Noise of a
    # share of 1,000 patients: 0.02.
    rng = np.random.default_rng(0)

    def drawn(chances: list[float]) -> Tokens:
        return seen(np.where(rng.random((1000, 4)) < chances, GONE, 3).tolist())

    late = [0.0, 0.0, 0.5, 0.5]
    real, twin, even = drawn(late), drawn(late), drawn([0.25] * 4)
    same, moved = (missing_over_time(real, each, clinic_codec) for each in (twin, even))
    assert same.value < 0.08
    assert moved.low > 0.17
    assert missing_over_time(real, even, clinic_codec) == moved


def test_nothing_missing_is_not_assessable(clinic_codec, grid_codec, clinic):
    whole = clinic_codec.encode(clinic(30, 1))
    assert not missing_over_time(whole, seen([[GONE]]), clinic_codec).assessable
    assert not missing_over_time(seen([]), whole, clinic_codec).assessable
    still = Tokens(
        static=np.zeros((5, 1), dtype=np.int16),
        visits=np.zeros((5, 3, 1), dtype=np.int16),
        length=np.full(5, 3, dtype=np.int16),
    )
    assert not missing_over_time(still, still, grid_codec).assessable
