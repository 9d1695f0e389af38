"""Whether a gap between groups is more than chance gives."""

from __future__ import annotations

import numpy as np
import pytest
from judged import predicted
from scipy.stats import binom
from sklearn.metrics import roc_auc_score

from dpsynth.evaluation.bias.worst_gap import CHANCE, LEVEL, Ranked, worst_gap

PATIENTS, GROUPS = 480, 4
PLACE = np.repeat(np.arange(GROUPS), PATIENTS // GROUPS)
INSIDES = [each == PLACE for each in range(GROUPS)]
Y = np.tile([True, False], PATIENTS // 2)


def test_the_sorted_gap_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    y, place = rng.random(500) < 0.4, rng.integers(0, 3, 500)
    score = np.round(rng.random(500) + 0.2 * y, 1)  # many ties
    aucs = [roc_auc_score(y[place == each], score[place == each]) for each in range(3)]
    assert Ranked.of(predicted(score, y)).gap(place) == pytest.approx(max(aucs) - min(aucs))
    # Patients of no group are left out.
    aucs, place = aucs[1:], np.where(place == 0, -1, place)
    assert Ranked.of(predicted(score, y)).gap(place) == pytest.approx(max(aucs) - min(aucs))


def test_false_alarms_are_as_many_as_stated():
    # No group differs. With 39 permutations p <= 0.05 is 2 of 40 ranks, exactly 5 %. The number
    # of alarms in 300 lies outside the 1e-6 quantiles of Binomial(300, 0.05) in 2e-6 of cases.
    alarms, gaps = 0, []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        made = predicted(Y + rng.normal(0, 1.5, PATIENTS), Y)
        found = worst_gap(made, INSIDES, permutations=39, replicates=0, seed=seed)
        alarms += found.p.value <= LEVEL
        gaps.append(found.gap.value)
    assert binom.ppf(1e-6, 300, LEVEL) <= alarms <= binom.isf(1e-6, 300, LEVEL)
    assert np.mean(gaps) > 0.05  # the naive gap is far from 0 though nothing differs


def test_false_alarms_stay_where_a_patient_has_many_samples():
    # Four equal samples for each patient: were samples permuted, groups would look different
    # in most cases.
    alarms, patient = 0, np.repeat(np.arange(PATIENTS), 4)
    for seed in range(100):
        rng = np.random.default_rng(seed)
        score = np.repeat(Y + rng.normal(0, 1.5, PATIENTS), 4)
        made = predicted(score, np.repeat(Y, 4), patient)
        alarms += worst_gap(made, INSIDES, permutations=39, replicates=0, seed=seed).p.value <= 0.05
    assert alarms <= binom.isf(1e-6, 100, LEVEL)


def test_a_group_ranked_by_chance_is_found():
    rng = np.random.default_rng(1)
    score = np.where(PLACE == 2, rng.random(PATIENTS), Y + rng.normal(0, 0.5, PATIENTS))
    found = worst_gap(predicted(score, Y), INSIDES)
    assert found.p.value == 1 / 200  # no permutation is as bad
    assert found.gap.value > found.chance.value
    assert CHANCE not in found.gap.note
    assert found.chance.low <= found.chance.value <= found.chance.high


def test_a_gap_within_chance_says_so():
    made = predicted(Y + np.random.default_rng(7).normal(0, 1, PATIENTS), Y)
    found = worst_gap(made, INSIDES)
    assert found.p.value > LEVEL
    assert found.gap.note.startswith(CHANCE)


def test_a_model_that_ranks_nobody_has_no_gap():
    found = worst_gap(predicted(np.full(PATIENTS, 0.3), Y), INSIDES)
    assert (found.gap.value, found.p.value) == (0, 1)


def test_too_little_is_not_assessable():
    for insides in ([], INSIDES[:1], [np.arange(PATIENTS) < 49] * 2):
        found = worst_gap(predicted(Y, Y), insides)
        assert not (found.gap.assessable or found.chance.assessable or found.p.assessable)


def test_a_seed_fixes_the_test():
    made = predicted(Y + np.random.default_rng(2).normal(0, 2, PATIENTS), Y)
    assert worst_gap(made, INSIDES, seed=3) == worst_gap(made, INSIDES, seed=3)
