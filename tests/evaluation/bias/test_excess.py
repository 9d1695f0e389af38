"""What a group loses beyond everyone's loss."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.evaluation.bias.excess import group_gap
from dpsynth.evaluation.utility.predictions import Predicted

Y = np.tile([True, False], 100)
INSIDE = np.arange(200) < 100
REAL = Y.astype(float)


def predicted(score: np.ndarray, y: np.ndarray = Y, patient: np.ndarray | None = None) -> Predicted:
    patient = np.arange(len(y)) if patient is None else patient
    return Predicted(
        y=y, score=score, patient=patient, patients=int(patient.max()) + 1, threshold=0.5
    )


def test_the_gap_worked_by_hand():
    # Real ranks all rightly. The copy ranks the group by chance and the others rightly, all of
    # whom lie at 1 (cases) and 0 (non-cases) around the group's 0.5.
    copy = predicted(np.where(INSIDE, 0.5, REAL))
    # Group: 1 - 0.5. Everyone: pairs (case, non-case) are 50 x 50 within the group (ties, 0.5),
    # 3 x 50 x 50 others (right): 1 - 3.5 / 4 = 0.125. The gap: 0.5 - 0.125.
    found = group_gap(predicted(REAL), copy, INSIDE)
    assert found.value == pytest.approx(0.375)
    assert found.low <= 0.375 <= found.high
    assert found.n == 100
    # The others lose nothing: 0 - 0.125.
    assert group_gap(predicted(REAL), copy, ~INSIDE).value == pytest.approx(-0.125)


def test_everyone_as_a_group_has_no_gap_in_any_resample():
    rng = np.random.default_rng(0)
    real, copy = predicted(REAL + rng.normal(0, 1, 200)), predicted(rng.random(200))
    found = group_gap(real, copy, np.ones(200, dtype=bool))
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_the_copy_of_a_model_has_no_gap_in_any_resample():
    # Paired: with resamples of its own for each model the interval would not be a point.
    real = predicted(REAL + np.random.default_rng(0).normal(0, 1, 200))
    found = group_gap(real, real, INSIDE)
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_a_group_with_fewer_than_fifty_events_is_not_assessable():
    few = np.arange(200) < 98  # 49 cases
    found = group_gap(predicted(REAL), predicted(REAL), few)
    assert not found.assessable
    assert (found.n, found.note) == (98, "49 events, fewer than 50")


def test_all_samples_of_a_patient_are_drawn_together():
    # Each patient has two samples, alike. Doubling samples must not narrow the interval.
    rng = np.random.default_rng(1)
    score, copy = REAL + rng.normal(0, 1, 200), REAL + rng.normal(0, 2, 200)
    once = group_gap(predicted(score), predicted(copy), INSIDE)
    patient, y = np.repeat(np.arange(200), 2), np.repeat(Y, 2)
    twice = group_gap(
        predicted(np.repeat(score, 2), y, patient),
        predicted(np.repeat(copy, 2), y, patient),
        INSIDE,
    )
    assert (twice.low, twice.high) == pytest.approx((once.low, once.high))
