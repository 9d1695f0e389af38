"""The rows about change over visits."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.data.codec import Codec, codec
from dpsynth.data.records import Records
from dpsynth.evaluation import fidelity
from dpsynth.evaluation.case import Case, Side
from dpsynth.evaluation.steps import change
from dpsynth.schema import Schema

ALWAYS = (set(fidelity.CHANGE) | set(fidelity.UNSEEN)) - {"missing_over_time"}


def case_of(schema: Schema, book: Codec, *data: Records) -> Case:
    train, holdout, synthetic = (Side(records=r, tokens=book.encode(r)) for r in data)
    return Case(
        train=train, holdout=holdout, synthetic=synthetic, schema=schema, codec=book, seed=0
    )


def found(case: Case):
    return {row.metric: row for _, step in change.steps(case) for row in step()}


def with_missing(records: Records, seed: int) -> Records:
    gone = np.random.default_rng(seed).random(len(records.visits)) < 0.3
    return Records(
        records.keys,
        records.static,
        records.visits.assign(pressure=records.visits["pressure"].mask(gone)),
    )


@pytest.fixture(scope="module")
def fresh(clinic, clinic_plan, clinic_codec):
    """A perfect copy: other patients of the same clinic."""
    return found(case_of(clinic_plan, clinic_codec, *(clinic(600, seed) for seed in (1, 2, 3))))


def test_what_does_not_exist_in_the_data_has_no_row(fresh):
    # No value is missing, and no column is a list of codes.
    assert set(fresh) == ALWAYS


def test_missing_values_have_a_row(clinic, clinic_plan, clinic_codec):
    data = [with_missing(clinic(600, seed), seed) for seed in (1, 2, 3)]
    row = found(case_of(clinic_plan, clinic_codec, *data))["missing_over_time"]
    assert row.reached > 0.5


def test_fresh_patients_reach_what_real_ones_do(fresh):
    known = {name: row.reached for name, row in fresh.items() if row.reached is not None}
    assert {"transition_tv_2", "autocorrelation", "unseen_transitions"} <= set(known)
    assert min(known.values()) > 0.5


def test_unseen_changes_are_held_against_training_patients(fresh, clinic, clinic_codec):
    holdout = Side(records=clinic(600, 2), tokens=clinic_codec.encode(clinic(600, 2)))
    row = fresh["unseen_transitions"]
    assert row.real_name == fidelity.HELD_OUT
    assert row.real.n == (holdout.tokens.length > 1).sum() >= change.LEAST


def test_rare_changes_of_few_patients_have_no_row(clinic, clinic_plan, clinic_codec):
    data = [clinic(150, seed) for seed in (1, 2, 3)]
    assert "unseen_transitions" not in found(case_of(clinic_plan, clinic_codec, *data))


def test_numbers_of_visits_are_in_visits(fresh):
    assert fresh["length_wasserstein"].unit == "visits"
    assert fresh["autocorrelation"].unit == ""


def test_diagnoses_have_rows(clinic_plan, clinic):
    names = tuple(f"d{i}" for i in range(30))
    visits = clinic_plan.tables["visits"]
    dx = visits.columns["therapy"].model_copy(update={"categories": names})
    table = visits.model_copy(update={"columns": {"therapy": dx}})
    plan = clinic_plan.model_copy(update={"tables": {**clinic_plan.tables, "visits": table}})
    rng, data = np.random.default_rng(0), []
    for seed in (1, 2, 3):
        made = clinic(300, seed)
        drawn = np.minimum(rng.exponential(5, len(made.visits)), 29).astype(int)
        codes = np.array(names, dtype=object)[drawn]
        data.append(Records(made.keys, made.static, made.visits.assign(therapy=codes)))
    rows = found(case_of(plan, codec(plan), *data))
    assert rows["prevalence"].reached > 0.5
    assert rows["co_occurrence"].value.assessable


def test_static_data_have_no_steps(clinic_plan, clinic):
    tables = {"patients": clinic_plan.tables["patients"]}
    plan = clinic_plan.model_copy(update={"tables": tables})
    case = case_of(plan, codec(plan), *(clinic(30, seed) for seed in (1, 2, 3)))
    assert list(change.steps(case)) == []
    assert change.remarks(case) == []


@pytest.mark.parametrize("patients", [0, 1, 5])
def test_hardly_any_synthetic_patients_never_crash(patients, clinic, clinic_plan, clinic_codec):
    few = clinic(40, 3).take(np.arange(patients))
    rows = found(case_of(clinic_plan, clinic_codec, clinic(150, 1), clinic(150, 2), few))
    assert rows["transition_tv_2"].value.n == patients
