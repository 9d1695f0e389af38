"""Changes over several visits, and changes that nobody in training shows."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.data.codec import Tokens
from dpsynth.evaluation.controls import independent_columns
from dpsynth.evaluation.fidelity.transitions import (
    transition_tv,
    transition_tv_2,
    transition_tv_3,
)
from dpsynth.evaluation.fidelity.unseen import unseen_transitions


def grid(codes: np.ndarray) -> Tokens:
    """Patients of the grid's one column, (patients, windows) codes."""
    n, windows = codes.shape
    return Tokens(
        static=np.zeros((n, 1), dtype=np.int16),
        visits=codes[:, :, None].astype(np.int16),
        length=np.full(n, windows, dtype=np.int16),
    )


def test_two_visits_later_by_hand(grid_codec):
    # First and third window, real: 00 00 10 10, other: 01 01 10 10: half must be moved.
    real = grid(np.array([[0, 0, 0], [0, 1, 0], [1, 1, 0], [1, 1, 0]]))
    other = grid(np.array([[0, 1, 1], [0, 1, 1], [1, 1, 0], [1, 1, 0]]))
    assert transition_tv_2(real, other, grid_codec).value == pytest.approx(1 / 2)
    assert not transition_tv_3(real, other, grid_codec).assessable


def test_the_gap_before_a_first_visit_starts_no_change(clinic_codec, make_tokens):
    # Three visits have one change of the gap at lag 1 and none at lag 2.
    real = make_tokens([[0, 5, 0]], [[[0, 3, 0], [1, 3, 0], [2, 3, 0]]], clinic_codec)
    other = make_tokens([[0, 5, 0]], [[[7, 3, 0], [5, 3, 0], [2, 3, 0]]], clinic_codec)
    assert transition_tv_2(real, other, clinic_codec).value == 0.0
    assert transition_tv(real, other, clinic_codec).value == pytest.approx(1 / 3)


def test_a_copy_that_forgets_what_came_before_the_last_visit_is_found(grid_codec):
    # The third value is the first again, in the copy it is drawn anew: all changes to the next
    # visit are alike, half of those over two visits are not. Noise of a table about 0.02.
    rng = np.random.default_rng(0)
    real, copy = rng.integers(0, 2, (2, 2000, 3))
    real[:, 2] = real[:, 0]
    assert transition_tv(grid(real), grid(copy), grid_codec).value < 0.1
    assert transition_tv_2(grid(real), grid(copy), grid_codec).low > 0.4


@pytest.mark.parametrize("metric", [transition_tv_2, transition_tv_3])
def test_other_real_patients_change_alike_and_shuffled_ones_do_not(metric, clinic, clinic_codec):
    real, twin = (clinic_codec.encode(clinic(1500, seed)) for seed in (1, 2))
    shuffled = independent_columns(twin, np.random.default_rng(0))
    same, lost = (metric(real, each, clinic_codec) for each in (twin, shuffled))
    assert same.high < lost.low


def test_unseen_changes_of_four_patients_by_hand(grid_codec):
    # Training knows 00 and 01. Unseen: none of 00 01, both of 11 10, one of 01 11, none.
    train = grid(np.array([[0, 0, 1]]))
    other = grid(np.array([[0, 0, 1], [1, 1, 0], [0, 1, 1], [0, 0, 0]]))
    made = unseen_transitions(train, other, grid_codec)
    assert made.value == pytest.approx((0 + 1 + 1 / 2 + 0) / 4)
    assert made.low <= made.value <= made.high
    assert made.n == 4


def test_seen_changes_leave_room_for_chance(grid_codec):
    train = grid(np.array([[0, 0, 1], [1, 1, 0]] * 10))
    made = unseen_transitions(train, train, grid_codec)
    assert made.value == made.low == 0.0
    assert made.high == pytest.approx(0.16, abs=0.01)  # Wilson: 3.84 / (20 + 3.84)


def test_forbidden_changes_are_found_and_rare_ones_are_not(clinic, clinic_codec):
    # About 0.01 and 0.06, with noise of 0.002 and 0.004.
    train, held, copy = (clinic_codec.encode(clinic(800, seed)) for seed in (1, 2, 3))
    wild = independent_columns(held, np.random.default_rng(0))
    rates = [unseen_transitions(train, each, clinic_codec) for each in (held, copy, wild)]
    assert rates[2].low > max(rates[0].high, rates[1].high)
    assert rates[1].value < rates[0].value + 0.02


@pytest.mark.parametrize("metric", [transition_tv_2, transition_tv_3, unseen_transitions])
def test_data_without_later_visits_never_crash(metric, clinic_codec, make_tokens, clinic):
    real = clinic_codec.encode(clinic(30, 1))
    single = make_tokens([[0, 5, 0]], [[[0, 3, 0]]], clinic_codec)
    assert not metric(single, single, clinic_codec).assessable
    assert not metric(single, real.take(np.array([], dtype=int)), clinic_codec).assessable
    for other in (single, real.take(np.array([], dtype=int)), real.take(np.arange(1))):
        made = metric(real, other, clinic_codec)
        assert not made.assessable or made.low <= made.value <= made.high


@pytest.mark.parametrize("metric", [transition_tv_2, unseen_transitions])
def test_a_seed_fixes_the_interval(metric, clinic, clinic_codec):
    real, other = (clinic_codec.encode(clinic(60, seed)) for seed in (1, 2))
    assert metric(real, other, clinic_codec, seed=3) == metric(real, other, clinic_codec, seed=3)
