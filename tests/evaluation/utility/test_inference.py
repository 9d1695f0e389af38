"""Coefficients, their intervals, and several copies."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from dpsynth.data.records import Records
from dpsynth.evaluation.utility.coefficients import (
    Coefficients,
    coefficients,
    columns_of,
    combined,
    design,
)
from dpsynth.evaluation.utility.inference import coefficient_overlap, interval_coverage
from dpsynth.evaluation.utility.task import task
from dpsynth.schema import Label

DIED = Label(column="died", positive="true")


def made(value: list[float], error: list[float], factor: float = 1.0) -> Coefficients:
    names = tuple("abcdefgh"[: len(value)])
    return Coefficients(names=names, value=np.array(value), error=np.array(error), factor=factor)


def test_overlap_and_coverage_by_hand():
    # [-1, 1] and [0, 2]: common 1 of 2 and of 2: 1/2. [-1, 1] and [-2, 2]: 2/2 and 2/4: 3/4.
    # [-1, 1] and [4, 6]: 0. The copy does not know the fourth: 0. Mean 1.25 / 4. The real
    # values 0 lie in the first (at its end) and the second: 2 of 4.
    real = made([0, 0, 0, 0], [1, 1, 1, 1])
    copy = made([1, 0, 5, np.nan], [1, 2, 1, np.nan])
    assert coefficient_overlap(real, [copy], 9).value == pytest.approx(1.25 / 4)
    assert interval_coverage(real, [copy], 9).value == pytest.approx(0.5)


def test_what_real_patients_do_not_determine_is_left_out():
    real, copy = made([0, np.nan], [1, np.nan]), made([0, 3], [1, 1])
    assert coefficient_overlap(real, [copy], 9).value == 1.0
    for measure in (coefficient_overlap, interval_coverage):
        assert not measure(made([np.nan], [np.nan]), [made([0], [1])], 9).assessable


def test_copies_are_combined_by_hand():
    # Values 1, 2, 3: mean 2, b = 1. Squared errors 1, 1, 4: v = 2. T = 2 + 1/3. Freedom
    # 2 (1 + 2 * 3 / 1)^2 = 98, of which the 97.5 % quantile is 1.98447.
    copies = [made([1.0], [1.0]), made([2.0], [1.0]), made([3.0], [2.0])]
    found = combined(copies)
    assert found.value[0] == 2
    assert found.error[0] ** 2 == pytest.approx(7 / 3)
    assert np.asarray(found.factor)[0] == pytest.approx(1.98447, abs=1e-5)
    assert combined(copies[:1]) is copies[0]
    same = combined([copies[0]] * 2)  # no variance between copies
    assert same.error[0] == 1.0
    assert np.asarray(same.factor)[0] == pytest.approx(1.95996, abs=1e-5)
    assert not combined([made([1.0], [1.0]), made([np.nan], [np.nan])]).known.any()


def test_a_two_by_two_table_has_the_log_odds_ratio(clinic, clinic_codec):
    # Of 40 women 10 died, of 60 men 30: ln(1) - ln(1/3), squared error 1/10 + 1/30 + 2/30.
    records = clinic(100, 1)
    static = records.static.assign(
        sex=["f"] * 40 + ["m"] * 60,
        age=50.0,
        died=["true"] * 10 + ["false"] * 30 + ["true"] * 30 + ["false"] * 30,
    )
    found = coefficients(task(Records(records.keys, static, records.visits), clinic_codec, DIED))
    assert found.names == ("sex",)
    assert found.value[0] == pytest.approx(np.log(3), rel=1e-5)
    assert found.error[0] ** 2 == pytest.approx(1 / 10 + 1 / 30 + 2 / 30, rel=1e-4)


def test_the_design_is_public(clinic, clinic_codec):
    X, names = design(task(clinic(50, 1), clinic_codec, DIED))
    assert names == ("sex", "age", "age missing")
    assert X.min() >= 0
    assert X.max() <= 1


def test_fresh_patients_agree_and_shuffled_labels_do_not(clinic, clinic_codec):
    real, fresh = (task(clinic(3000, s), clinic_codec, DIED) for s in (1, 2))
    shuffled = dataclasses.replace(fresh, y=np.random.default_rng(0).permutation(fresh.y))
    found = coefficients(real)
    places = columns_of(real, found)
    # The age's coefficient is some 25 standard errors from 0, the sex's is 0.
    assert found.value[1] / found.error[1] > 15
    good, bad = (coefficients(each, places) for each in (fresh, shuffled))
    # The age's interval is far from that of shuffled labels; the sex's may overlap.
    assert coefficient_overlap(found, [bad], 9).value <= 0.5
    assert interval_coverage(found, [bad], 9).value <= 0.5
    # Two estimates of one thing differ by 4.9 of its errors' root with chance 1e-6.
    off = (good.value - found.value) / np.hypot(good.error, found.error)
    assert (np.abs(off) < 4.9).all()


def test_a_category_that_the_copy_lacks_counts_nothing(clinic, clinic_codec):
    real, fresh = clinic(800, 1), clinic(800, 2)
    women = Records(fresh.keys, fresh.static.assign(sex="f"), fresh.visits)
    first, second = (task(each, clinic_codec, DIED) for each in (real, women))
    found = coefficients(first)
    copy = coefficients(second, columns_of(first, found))
    assert copy.names == found.names == ("sex", "age")
    assert copy.known.tolist() == [False, True]
    assert coefficient_overlap(found, [copy], 800).value <= 0.5


def test_visits_of_a_patient_count_once(clinic, clinic_codec):
    # Five copies of each sample: the errors of clusters stay what they were, or near.
    once = task(clinic(400, 1), clinic_codec, DIED)
    five = once.take(np.repeat(np.arange(400), 5))
    a, b = coefficients(once), coefficients(five)
    np.testing.assert_allclose(a.value, b.value, rtol=1e-4)
    np.testing.assert_allclose(a.error, b.error, rtol=0.15)


@pytest.mark.parametrize("died", ["true", "split"])
def test_one_class_and_separation_are_said_in_plain_words(clinic, clinic_codec, died):
    records = clinic(200, 1)
    sex = records.static["sex"]
    label = np.where(sex == "f", "true", "false") if died == "split" else died
    static = records.static.assign(died=label, age=50.0)
    made_task = task(Records(records.keys, static, records.visits), clinic_codec, DIED)
    with pytest.raises(ValueError, match=r"part cases|too few cases"):
        coefficients(made_task)


@pytest.mark.parametrize("patients", [0, 1])
def test_nobody_is_said_in_plain_words(clinic, clinic_codec, patients):
    records = clinic(60, 1).take(np.arange(patients))
    with pytest.raises(ValueError, match="too few cases"):
        coefficients(task(records, clinic_codec, DIED))
