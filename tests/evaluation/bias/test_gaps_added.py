"""What a copy adds to the gap between groups."""

from __future__ import annotations

import numpy as np
import pytest
from fairlearn.metrics import demographic_parity_difference
from judged import predicted

from dpsynth.evaluation.bias.discrimination import over_trainings, replicate_auc
from dpsynth.evaluation.bias.gaps import KINDS, gap, gap_added

Y = np.tile([True, False], 200)  # 400 patients, half of them cases
FIRST = np.arange(400) < 200
INSIDES = [FIRST, ~FIRST]
RIGHT = Y.astype(float)


def test_the_gap_added_to_ranking_worked_by_hand():
    # From real patients both groups are ranked rightly: gap 0. From the copy the second group
    # ties: 1 against 0.5.
    copy = predicted(np.where(FIRST, RIGHT, 0.5), Y)
    found = gap_added(copy, predicted(RIGHT, Y), INSIDES, kind="auc")
    assert found.value == pytest.approx(0.5)
    assert (found.low, found.high) == pytest.approx((0.5, 0.5))  # in every resample
    assert found.n == 400
    assert gap_added(predicted(RIGHT, Y), copy, INSIDES, kind="auc").value == pytest.approx(-0.5)


def test_gaps_of_decisions_worked_by_hand():
    # Called positive: all cases of the first group, half of those of the second (every other
    # one), no non-case. Equal opportunity: 1 - 0.5. Parity: 0.5 - 0.25.
    second = Y & ~FIRST & (np.arange(400) % 4 == 0)
    made = predicted((Y & FIRST) | second, Y)
    assert gap(made, INSIDES, kind="tpr").value == pytest.approx(0.5)
    assert gap(made, INSIDES, kind="selection").value == pytest.approx(0.25)
    real = predicted(RIGHT, Y)
    assert gap_added(made, real, INSIDES, kind="tpr").value == pytest.approx(0.5)
    assert gap_added(made, real, INSIDES, kind="selection").value == pytest.approx(0.25)


@pytest.mark.parametrize("groups", [2, 5])
def test_parity_agrees_with_fairlearn(groups):
    rng = np.random.default_rng(groups)
    y, place = rng.random(1000) < 0.4, rng.integers(0, groups, 1000)
    made = predicted(rng.random(1000) * (0.8 + place / 5), y)
    expected = demographic_parity_difference(y, made.score > 0.5, sensitive_features=place)
    found = gap(made, [place == each for each in range(groups)], kind="selection")
    assert found.value == pytest.approx(expected)
    assert found.low <= expected <= found.high


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_model_adds_nothing_in_any_resample(kind):
    # Paired: with resamples of its own for each model the interval would not be a point.
    made = predicted(RIGHT + np.random.default_rng(0).normal(0, 1, 400), Y)
    found = gap_added(made, made, INSIDES, kind=kind)
    assert (found.value, found.low, found.high) == (0, 0, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_parts_of_a_gap_are_the_whole(kind):
    rng = np.random.default_rng(1)
    real, bare, copy = (predicted(RIGHT + rng.normal(0, s, 400), Y) for s in (0.5, 1, 3))
    parts = (
        gap(real, INSIDES, kind=kind).value
        + gap_added(bare, real, INSIDES, kind=kind).value
        + gap_added(copy, bare, INSIDES, kind=kind).value
    )
    assert parts == pytest.approx(gap(copy, INSIDES, kind=kind).value)


def test_another_model_of_the_same_kind_adds_nothing_surely():
    # Two models whose errors are independent and alike in both groups. The interval is a
    # bootstrap's of 95 %; seeds are fixed. Of 40 pairs 2 are expected outside, and more than 12
    # in fewer than 1e-6 of cases.
    outside = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        one, other = (predicted(RIGHT + rng.normal(0, 1, 400), Y) for _ in range(2))
        found = gap_added(one, other, INSIDES, kind="auc", replicates=100, seed=seed)
        outside += found.low > 0 or found.high < 0
    assert outside <= 12


def test_all_samples_of_a_patient_are_drawn_together():
    # Each patient has two samples, alike. Doubling samples must not narrow the interval.
    rng = np.random.default_rng(2)
    scores = [RIGHT + rng.normal(0, s, 400) for s in (1, 2)]
    twice = np.repeat(np.arange(400), 2)
    once = gap_added(*(predicted(each, Y) for each in scores), INSIDES, kind="auc")
    doubled = (predicted(np.repeat(each, 2), np.repeat(Y, 2), twice) for each in scores)
    again = gap_added(*doubled, INSIDES, kind="auc")
    assert (again.low, again.high) == pytest.approx((once.low, once.high))


@pytest.mark.parametrize("kind", KINDS)
def test_too_little_is_not_assessable(kind):
    few = np.arange(400) < 49
    for insides in ([], [FIRST], [FIRST, few], [np.zeros(400, dtype=bool)] * 2):
        for found in (
            gap(predicted(RIGHT, Y), insides, kind=kind),
            gap_added(predicted(RIGHT, Y), predicted(RIGHT, Y), insides, kind=kind),
        ):
            assert not found.assessable
            assert found.note
    none = predicted(np.zeros(0), np.zeros(0, dtype=bool), np.zeros(0, dtype=int))
    assert not gap(none, [np.zeros(0, dtype=bool)] * 2, kind=kind).assessable


def test_each_kind_asks_for_the_events_that_it_needs():
    # 400 non-cases: decisions can be compared, ranking and opportunity can't.
    nobody = predicted(RIGHT, np.zeros(400, dtype=bool))
    assert gap(nobody, INSIDES, kind="selection").assessable
    assert not gap(nobody, INSIDES, kind="auc").assessable
    assert not gap(nobody, INSIDES, kind="tpr").assessable


def test_a_seed_fixes_the_interval():
    rng = np.random.default_rng(3)
    models = [predicted(RIGHT + rng.normal(0, 1, 400), Y) for _ in range(2)]
    found = [gap_added(*models, INSIDES, kind="tpr", seed=seed) for seed in (5, 5, 6)]
    assert found[0] == found[1]
    assert found[0] != found[2]


@pytest.mark.parametrize("kind", KINDS)
def test_the_chance_of_training_is_in_the_interval_where_models_were_trained_again(kind):
    # One model, whose retrained selves differ: the value stays, the interval gets wider.
    rng = np.random.default_rng(4)
    real, copy = (predicted(RIGHT + rng.normal(0, 1, 400), Y) for _ in range(2))
    again = [[predicted(RIGHT + rng.normal(0, 1, 400), Y) for _ in range(5)] for _ in range(2)]
    fixed = gap_added(copy, real, INSIDES, kind=kind)
    free = gap_added(copy, real, INSIDES, kind=kind, again=(again[0], again[1]))
    assert free.value == fixed.value
    assert free.high - free.low > fixed.high - fixed.low


def test_each_retrained_model_meets_each():
    # No patient is drawn anew (weights of one): what is left is training. After: AUC 1 or 0.5;
    # before: 1 or 0. Their differences are 0, 1, -0.5, 0.5, each once in four rows.
    weights = np.ones((8, 400), dtype=np.float32)

    def auc(made, drawn):
        return replicate_auc(made, np.ones(400, dtype=bool), drawn)

    right, tied, wrong = predicted(RIGHT, Y), predicted(0 * RIGHT, Y), predicted(-RIGHT, Y)
    after = over_trainings(auc, right, [right, tied], weights)
    before = over_trainings(auc, right, [right, wrong], weights, every=2)
    np.testing.assert_allclose(after, [1, 0.5] * 4)
    np.testing.assert_allclose(before, [1, 1, 0, 0] * 2)
    np.testing.assert_allclose(over_trainings(auc, tied, [], weights), 0.5)
