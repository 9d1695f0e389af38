"""Decisions about groups."""

from __future__ import annotations

import numpy as np
import pytest
from fairlearn.metrics import equalized_odds_difference
from judged import predicted

from dpsynth.evaluation.bias.rates import RATES, group_rates, replicate_rate

Y = np.tile([True, False], 200)
FIRST = np.arange(400) < 200


def test_rates_worked_by_hand():
    # First group, 100 cases and 100 non-cases: all cases and half of the non-cases at 0.8,
    # the rest at 0. Called: 150 of 200. Mean chance 0.8 x 0.75 = 0.6, outcome 0.5.
    high = Y | (np.arange(400) % 4 == 1)
    score = np.where(high & FIRST, 0.8, 0.0)
    first, second = group_rates(predicted(score, Y), [FIRST, ~FIRST])
    assert first["group_selection_rate"].value == pytest.approx(0.75)
    assert first["group_tpr"].value == pytest.approx(1)
    assert first["group_fpr"].value == pytest.approx(0.5)
    assert first["group_calibration"].value == pytest.approx(0.1)
    # The others are all at 0.
    assert [round(second[name].value, 6) for name in RATES] == [0, 0, 0, -0.5]
    assert {each.n for each in first.values()} == {200}


def test_the_bootstrap_is_around_what_fairlearn_says():
    rng = np.random.default_rng(0)
    made = predicted(np.clip(0.3 * Y + rng.random(400), 0, 1), Y)
    for group, inside in zip(group_rates(made, [FIRST, ~FIRST]), (FIRST, ~FIRST), strict=True):
        for name, averaged in RATES.items():
            ours = replicate_rate(averaged, made, inside, np.ones((1, 400), dtype=np.float32))
            assert group[name].value == pytest.approx(ours[0], abs=1e-6)
            assert group[name].low < group[name].value < group[name].high


def test_a_group_with_too_few_to_average_over_is_not_assessable():
    few = np.arange(400) < 98  # 49 cases, 49 non-cases
    (found,) = group_rates(predicted(Y, Y), [few])
    assert found["group_selection_rate"].assessable
    assert found["group_calibration"].assessable
    for name in ("group_tpr", "group_fpr"):
        assert found[name].note == "49 to average over, fewer than 50"
        assert found[name].n == 98


def test_many_samples_of_few_patients_are_not_assessable():
    patient = np.arange(400) // 10  # 40 patients
    (found,) = group_rates(predicted(Y, Y, patient), [np.ones(40, dtype=bool)])
    assert {each.note for each in found.values()} == {"40 patients, fewer than 50"}


def test_nobody_is_not_assessable():
    nobody = np.zeros(400, dtype=bool)
    assert not any(
        e.assessable for each in group_rates(predicted(Y, Y), [nobody]) for e in each.values()
    )
    none = predicted(np.zeros(0), np.zeros(0, dtype=bool), np.zeros(0, dtype=int))
    assert len(group_rates(none, [np.zeros(0, dtype=bool)] * 2)) == 2
    assert group_rates(none, []) == []


def test_a_seed_fixes_the_intervals():
    made = predicted(np.random.default_rng(1).random(400), Y)
    assert group_rates(made, [FIRST], seed=2) == group_rates(made, [FIRST], seed=2)


@pytest.mark.parametrize("groups", [2, 5])
def test_equalised_odds_agree_with_fairlearn(groups):
    # The larger of the gaps of cases and of non-cases called positive.
    rng = np.random.default_rng(groups)
    y, place = rng.random(1000) < 0.4, rng.integers(0, groups, 1000)
    made = predicted(rng.random(1000) * (0.8 + place / 5), y)
    found = group_rates(made, [place == each for each in range(groups)])
    odds = max(np.ptp([each[name].value for each in found]) for name in ("group_tpr", "group_fpr"))
    decided = made.score > made.threshold
    assert odds == pytest.approx(equalized_odds_difference(y, decided, sensitive_features=place))


def test_nobody_called_in_a_group_is_not_sure_to_stay_nobody():
    # A bootstrap of 60 zeros is [0, 0]; Wilson's upper end of 0 of 60 is z2 / (60 + z2) = 0.0602.
    inside = np.arange(400) < 120
    (found,) = group_rates(predicted(np.zeros(400), Y), [inside])
    assert (found["group_fpr"].value, found["group_fpr"].low) == (0, 0)
    assert found["group_fpr"].high == pytest.approx(0.0602, abs=1e-4)
    (found,) = group_rates(predicted(np.ones(400), Y), [inside])
    assert found["group_tpr"].low == pytest.approx(1 - 0.0602, abs=1e-4)
