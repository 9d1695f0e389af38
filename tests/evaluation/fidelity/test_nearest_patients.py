"""Precision, recall, density and coverage on points worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.evaluation.controls import independent_columns, schema_guess
from dpsynth.evaluation.fidelity import neighbours as module
from dpsynth.evaluation.fidelity.neighbours import (
    FEWEST,
    K,
    Neighbours,
    balls,
    coverage,
    density,
    neighbours,
    precision,
    recall,
)
from dpsynth.evaluation.fidelity.summaries import KEPT, summaries

FOUR = (precision, recall, density, coverage)


def between(x: np.ndarray, y: np.ndarray) -> Neighbours:
    return Neighbours(real=balls(x), other=balls(y), across=((x[:, None] - y[None]) ** 2).sum(-1))


def test_points_on_a_line_by_hand():
    # Real patients stand at 0, 1, ..., 39: the fifth nearest is 3 away in the middle (two at 1,
    # two at 2, one at 3), 4 and 5 away at the ends: 5, 4, 3 and 3, 4, 5. Of the others 20 stand
    # at 10 and 20 at 1000. At 10 stand those in the balls of 7, 8, ..., 13: 7 balls of K.
    x = np.arange(40.0)[:, None]
    y = np.repeat([10.0, 1000.0], 20)[:, None]
    made = between(x, y)
    assert precision(made).value == 0.5
    assert density(made).value == pytest.approx(0.5 * 7 / K)
    assert coverage(made).value == pytest.approx(7 / 40)
    # The others' balls are points, and one real patient stands there.
    assert recall(made).value == pytest.approx(1 / 40)
    for metric in FOUR:
        each = metric(made)
        assert each.low <= each.value <= each.high
        assert each.n == 40


def test_real_patients_reach_what_theory_says():
    # Naeem et al.: for two samples of one continuous law E density = 1 and E coverage =
    # 1 - (n-1)...(n-K) / ((2n-1)...(2n-K)). 300 points: sd of coverage 0.014, of density
    # 0.034 (measured on 150 pairs); bounds are over 5 of them.
    rng, n = np.random.default_rng(0), 300
    made = between(rng.normal(size=(n, 3)), rng.normal(size=(n, 3)))
    steps = np.arange(1, K + 1)
    expected = 1 - np.prod((n - steps) / (2 * n - steps))
    assert coverage(made).value == pytest.approx(expected, abs=0.075)
    assert density(made).value == pytest.approx(1.0, abs=0.2)


def test_leaving_patients_out_is_the_same_as_starting_without_them():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 3))
    kept = rng.permutation(100) >= 5
    assert balls(x).radii(kept)[kept] == pytest.approx(balls(x[kept]).radii(np.ones(95, bool)))


def test_a_copy_of_ordinary_patients_keeps_precision_and_loses_recall(clinic, clinic_codec):
    # 20 patients over and over. Real patients: about 0.97 for all shares, intervals of 0.05.
    real, twin = (clinic_codec.encode(clinic(600, seed)) for seed in (1, 2))
    good = neighbours(real, twin, clinic_codec)
    few = neighbours(real, twin.take(np.arange(600) % 20), clinic_codec)
    assert all(metric(good).value > 0.85 for metric in FOUR)
    assert precision(few).value > 0.7
    assert recall(few).high < 0.3
    assert coverage(few).high < 0.6


def test_shuffled_and_guessed_patients_lie_outside(clinic, clinic_codec):
    real, twin = (clinic_codec.encode(clinic(600, seed)) for seed in (1, 2))
    rng = np.random.default_rng(0)
    good = neighbours(real, twin, clinic_codec)
    shuffled = neighbours(real, independent_columns(twin, rng), clinic_codec)
    guess = neighbours(real, schema_guess(clinic_codec, 600, grid=False, rng=rng), clinic_codec)
    for metric in (precision, density, coverage):
        assert metric(shuffled).high < metric(good).low
        assert metric(guess).high < metric(good).low
    assert precision(neighbours(real, twin, clinic_codec)) == precision(good)


def test_equal_patients_lie_in_each_others_balls(clinic, clinic_codec):
    # Every ball is one point, and rounding must not part what is equal.
    same = clinic_codec.encode(clinic(60, 1)).take(np.zeros(60, dtype=int))
    made = neighbours(same, same, clinic_codec)
    assert [metric(made).value for metric in FOUR] == [1, 1, 60 / K, 1]


def test_too_few_patients_are_not_assessable(clinic, clinic_codec):
    tokens = clinic_codec.encode(clinic(60, 1))
    for count in (0, 1, FEWEST - 1):
        made = neighbours(tokens, tokens.take(np.arange(count)), clinic_codec)
        assert made is None
        assert not any(metric(made).assessable for metric in FOUR)


def test_a_cap_is_noted(clinic, clinic_codec, monkeypatch):
    monkeypatch.setattr(module, "PATIENTS", 50)
    tokens = clinic_codec.encode(clinic(60, 1))
    made = neighbours(tokens, tokens, clinic_codec)
    assert precision(made).n == 50
    assert precision(made).note == "50 patients of each kind"


def test_summaries_by_hand(clinic_codec, make_tokens):
    # Two real patients. Number of visits 2, 0: mean 1, variance 1: +1, -1, no step, none missing.
    # Pressure: codes 2, 4 and missing of the first, nothing of the second: no variance, so the
    # other patient is only moved: mean 5 - 3 = 2, step 0 - 2 = -2, missing 0 - 1/3.
    real = make_tokens(
        [[0, 5, 0], [1, 5, 0]], [[[0, 2, 0], [1, 4, 0], [1, 10, 0]], []], clinic_codec
    )
    other = make_tokens([[1, 10, 0]], [[[7, 5, 2]]], clinic_codec)
    x, y = summaries(real, other, clinic_codec)
    assert x[:, :3].tolist() == [[1, 0, 0], [-1, 0, 0]]
    assert y[0, 0] == pytest.approx((1 - 1.5) / 1.5)
    # Sex: shares (1, 0) and (0, 1), two axes of variance 1/4 each: divided by sqrt(1/2).
    assert x[:, 3:5] == pytest.approx(np.array([[1, -1], [-1, 1]]) * 0.5**0.5)
    # Age is missing: the real mean, no step, all missing. Columns: died has two axes, the gap
    # three (nothing known of a first visit), then the pressure.
    assert y[0, 5:8].tolist() == [0, 0, 1]
    assert y[0, 10:13].tolist() == [0, 0, 0]
    assert y[0, 13:16] == pytest.approx([2, -2, -1 / 3])
    # Therapy: always 0 against always 2.
    assert sorted(y[0, 16:].tolist()) == [-1, 0, 1]


def test_rare_codes_share_an_axis():
    from dpsynth.data.codec import Tokens, codec
    from dpsynth.schema import Column, Schema, Table

    column = Column(type="category", categories=tuple(f"c{i}" for i in range(3000)))
    book = codec(
        Schema(name="h", tables={"p": Table(shape="static", key="id", columns={"a": column})})
    )
    rng = np.random.default_rng(0)
    tokens = Tokens(
        static=np.minimum(rng.geometric(0.001, (200, 1)), 2999).astype(np.int16),
        visits=np.zeros((200, 0, 0), dtype=np.int16),
        length=np.zeros(200, dtype=np.int16),
    )
    x, _ = summaries(tokens, tokens, book)
    assert x.shape == (200, 3 + KEPT + 1)
    assert x.var(axis=0).sum() == pytest.approx(1.0)
