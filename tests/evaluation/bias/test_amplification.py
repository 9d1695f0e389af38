"""Directional bias amplification."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.evaluation.bias.amplification import Labelled, bias_amplification


def labelled(first: float, second: float, patients: int = 400) -> Labelled:
    """Two groups of equal size with these shares of cases."""
    half = patients // 2
    y = np.concatenate([np.arange(half) < first * half, np.arange(half) < second * half])
    inside = np.arange(patients) < half
    return Labelled(y=y, patient=np.arange(patients), insides=np.array([inside, ~inside]))


def random(first: float, second: float, seed: int, patients: int = 2000) -> Labelled:
    rng = np.random.default_rng(seed)
    inside = rng.random(patients) < 0.5
    y = rng.random(patients) < np.where(inside, first, second)
    return Labelled(y=y, patient=np.arange(patients), insides=np.array([inside, ~inside]))


def test_amplification_worked_by_hand():
    # Real: 0.6 and 0.4, overall 0.5: the first group leans to the label. Copy: 0.7 and 0.35:
    # (+(0.7 - 0.6) - (0.35 - 0.4)) / 2 = 0.075.
    found = bias_amplification(labelled(0.6, 0.4), labelled(0.7, 0.35, 200))
    assert found.value == pytest.approx(0.075)
    assert found.low < 0.075 < found.high
    assert found.n == 200
    # Washed out: 0.5 in both.
    assert bias_amplification(labelled(0.6, 0.4), labelled(0.5, 0.5)).value == pytest.approx(-0.1)


def test_a_shift_of_everyone_is_no_amplification():
    found = bias_amplification(labelled(0.6, 0.4), labelled(0.7, 0.5))
    assert found.value == pytest.approx(0, abs=1e-7)


def test_a_copy_that_ties_tighter_is_found_and_real_patients_are_not():
    # Standard error about 0.015: a plant of 0.1 misses 0 in fewer than 1e-6 of cases, and an
    # interval around nothing stays within 0.08.
    real = random(0.6, 0.4, 1)
    assert bias_amplification(real, random(0.7, 0.3, 2)).low > 0
    same = bias_amplification(real, random(0.6, 0.4, 3))
    assert abs(same.value) < 0.08


def test_all_samples_of_a_patient_are_drawn_together():
    one, other = random(0.6, 0.4, 1, 400), random(0.7, 0.3, 2, 400)
    twice = [
        Labelled(y=np.repeat(e.y, 2), patient=np.repeat(e.patient, 2), insides=e.insides)
        for e in (one, other)
    ]
    once, again = bias_amplification(one, other), bias_amplification(*twice)
    assert (again.value, again.low, again.high) == pytest.approx((once.value, once.low, once.high))


def test_too_little_is_not_assessable():
    few = labelled(0.5, 0.5, 98)  # 49 in each group
    none = Labelled(
        y=np.zeros(0, dtype=bool), patient=np.zeros(0, dtype=int), insides=np.zeros((2, 0), bool)
    )
    for other in (few, none):
        assert not bias_amplification(labelled(0.6, 0.4), other).assessable
        assert not bias_amplification(other, labelled(0.6, 0.4)).assessable


def test_one_class_is_fully_washed_out():
    assert bias_amplification(labelled(0.6, 0.4), labelled(0, 0)).value == pytest.approx(-0.1)


def test_a_seed_fixes_the_interval():
    two = random(0.6, 0.4, 1), random(0.7, 0.3, 2)
    assert bias_amplification(*two, seed=4) == bias_amplification(*two, seed=4)
