"""What occurs at all: categories and bins."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.evaluation.controls import most_frequent
from dpsynth.evaluation.fidelity.coverage import bin_coverage, category_coverage


def test_three_patients_by_hand(clinic_codec, make_tokens):
    # Sex: f, m against f: 1/2. Died: false in both: 1. Therapy: 0, 1, 2 against 2: 1/3.
    real = make_tokens(
        [[0, 5, 0], [1, 6, 0], [1, 10, 0]],
        [[[0, 3, 0], [1, 4, 1]], [[0, 10, 2]], []],
        clinic_codec,
    )
    other = make_tokens([[0, 6, 0], [0, 7, 0]], [[[9, 3, 2], [2, 3, 2]], []], clinic_codec)
    made = category_coverage(real, other, clinic_codec)
    assert made.value == pytest.approx((1 / 2 + 1 + 1 / 3) / 3)
    assert made.low <= made.value <= made.high
    assert made.n == 2
    # Ages 5, 6 (10 is missing) against 6, 7: 1/2. Pressures 3, 4 against 3: 1/2. Gaps: 1 against
    # 2, that of a first visit is none: 0.
    assert bin_coverage(real, other, clinic_codec).value == pytest.approx((1 / 2 + 1 / 2 + 0) / 3)


@pytest.mark.parametrize("metric", [category_coverage, bin_coverage])
def test_other_patients_cover_more_than_typical_ones(metric, clinic, clinic_codec):
    # Every category is common, and of 21 bins with patients at most the outermost are rare.
    real, twin = (clinic_codec.encode(clinic(1000, seed)) for seed in (1, 2))
    good, bad = (metric(real, each, clinic_codec) for each in (twin, most_frequent(twin)))
    assert good.value > 0.8
    assert bad.high < 0.5
    assert metric(real, twin, clinic_codec) == good
    assert metric(real, real, clinic_codec).value == 1.0


def test_a_lost_rare_category_counts_as_a_frequent_one(clinic_codec, make_tokens):
    # One of 500 patients is a man, and the copy has none: (1/2 + 1 + 1) / 3.
    women = make_tokens([[0, 5, 0]] * 500, [[[0, 3, 0]]] * 500, clinic_codec)
    real = women.take(np.arange(500))
    real.static[7, 0] = 1
    assert category_coverage(real, women, clinic_codec).value == pytest.approx(5 / 6)


@pytest.mark.parametrize("metric", [category_coverage, bin_coverage])
def test_bad_input_is_said(metric, clinic, clinic_codec):
    tokens = clinic_codec.encode(clinic(20, 1))
    none = tokens.take(np.array([], dtype=int))
    made = metric(tokens, none, clinic_codec)
    assert (made.value, made.note) == (0.0, "no synthetic patients")
    assert not metric(none, tokens, clinic_codec).assessable
    assert 0 < metric(tokens, tokens.take(np.array([0])), clinic_codec).value < 1


def test_without_numbers_there_are_no_bins(grid_codec, make_tokens):
    tokens = make_tokens([[0]], [[[0], [1], [0]]], grid_codec)
    assert not bin_coverage(tokens, tokens, grid_codec).assessable
    assert category_coverage(tokens, tokens, grid_codec).value == 1.0


def test_the_most_frequent_value_is_all_that_typical_patients_have(clinic_codec, make_tokens):
    given = make_tokens(
        [[0, 5, 0], [1, 5, 0], [1, 6, 0]], [[[0, 3, 0], [1, 4, 1]], [[0, 4, 1]], []], clinic_codec
    )
    made = most_frequent(given)
    assert made.static.tolist() == [[1, 5, 0]] * 3
    assert made.visits[0, :3].tolist() == [[0, 4, 1], [0, 4, 1], [-1, -1, -1]]
    assert made.length.tolist() == [2, 1, 0]
    none = given.take(np.array([], dtype=int))
    assert len(most_frequent(none)) == 0
