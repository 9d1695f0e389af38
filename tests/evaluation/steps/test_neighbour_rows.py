"""The rows about records: neighbours, and what stands beside single columns and pairs."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.data.records import Records
from dpsynth.evaluation import fidelity
from dpsynth.evaluation.case import Case, Side
from dpsynth.evaluation.steps import likeness, neighbours


@pytest.fixture(scope="module")
def make(clinic_plan, clinic_codec):
    def case(*data: Records) -> Case:
        train, holdout, synthetic = (
            Side(records=each, tokens=clinic_codec.encode(each)) for each in data
        )
        return Case(
            train=train,
            holdout=holdout,
            synthetic=synthetic,
            schema=clinic_plan,
            codec=clinic_codec,
            seed=0,
        )

    return case


def found(case: Case):
    made = [row for name in fidelity.RECORDS for row in likeness.token_rows(case, name)]
    return {row.metric: row for row in (*made, *neighbours.rows(case))}


@pytest.fixture(scope="module")
def fresh(clinic, make):
    """A perfect copy: other patients of the same clinic."""
    return found(make(*(clinic(600, seed) for seed in (1, 2, 3))))


def test_every_metric_has_a_row_but_of_what_does_not_exist(fresh):
    # No value of the clinic is missing.
    assert set(fresh) == (set(fidelity.RECORDS) | set(fidelity.NEIGHBOURS)) - {"missing_tv"}


def test_fresh_patients_reach_what_real_ones_do(fresh):
    known = {name: row.reached for name, row in fresh.items() if row.reached is not None}
    assert {"tv3", "category_coverage", "bin_coverage", "precision", "density"} <= set(known)
    assert min(known.values()) > 0.5


def test_a_p_value_has_no_mark(fresh):
    row = fresh["c2st_p"]
    assert row.reached is None
    assert row.control.value < 1e-3


def test_missing_values_have_a_row(clinic, make):
    data = []
    for seed in (1, 2, 3):
        made, rng = clinic(600, seed), np.random.default_rng(seed)
        static = made.static.assign(age=made.static["age"].mask(rng.random(600) < 0.4))
        data.append(Records(made.keys, static, made.visits))
    (row,) = likeness.token_rows(make(*data), "missing_tv")
    assert row.reached > 0.5


def test_the_same_few_patients_over_and_over_are_found(clinic, make):
    some = clinic(600, 3)
    rows = found(make(clinic(600, 1), clinic(600, 2), some.take(np.arange(600) % 15)))
    assert rows["recall"].value.high < rows["recall"].real.low
    assert rows["coverage"].reached < 0.5
    assert rows["precision"].reached is None or rows["precision"].reached > 0.3
    assert rows["c2st_p"].value.value < 1e-6


@pytest.mark.parametrize("patients", [0, 1, 5])
def test_hardly_any_synthetic_patients_never_crash(patients, clinic, make):
    few = clinic(40, 3).take(np.arange(patients))
    rows = found(make(clinic(150, 1), clinic(150, 2), few))
    assert not rows["precision"].value.assessable
    assert rows["precision"].real.assessable
    assert not rows["c2st_p"].value.assessable
    assert rows["tv3"].value.n == patients


def test_the_cap_is_said(clinic, make, monkeypatch):
    case = make(*(clinic(60, seed) for seed in (1, 2, 3)))
    assert neighbours.remarks(case) == []
    monkeypatch.setattr(neighbours, "PATIENTS", 50)
    assert neighbours.remarks(case) == [
        "neighbours are sought among 50 patients of a data set, at random"
    ]
