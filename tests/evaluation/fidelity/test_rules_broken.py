"""The share of patients that break a rule, beside real patients and a guess."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.evaluation.case import Case, Side
from dpsynth.evaluation.fidelity.rules import rules_broken
from dpsynth.evaluation.steps.likeness import steps


@pytest.fixture(scope="module")
def ruled(clinic_plan):
    rules = ('therapy == "insulin"', "pressure >= 100")
    return clinic_plan.model_copy(update={"rules": rules})


def test_a_patient_that_breaks_two_rules_counts_once(clinic, ruled):
    made = clinic(8, 0)
    made.visits["therapy"], made.visits["pressure"] = "insulin", 120.0
    assert rules_broken(made, ruled).value == 0
    first = made.visits["patient"].to_numpy()[0]
    made.visits.loc[made.visits["patient"] == first, ["therapy", "pressure"]] = ["none", 99.0]
    found = rules_broken(made, ruled)
    assert (found.value, found.n) == (1 / 8, 8)
    assert 0 < found.low < 1 / 8 < found.high < 1


def test_missing_values_and_missing_patients_break_no_rule(clinic, ruled, clinic_plan):
    made = clinic(8, 0)
    made.visits["therapy"], made.visits["pressure"] = None, np.nan
    assert rules_broken(made, ruled).value == 0
    assert not rules_broken(made.take(np.arange(0)), ruled).assessable
    assert not rules_broken(made, clinic_plan).assessable


def test_an_evaluation_shows_it_for_the_copy_and_for_real_patients_held_out(
    clinic, clinic_plan, clinic_codec
):
    plan = clinic_plan.model_copy(update={"rules": ("pressure <= 100", "age < 70")})
    copy = clinic(60, 3)
    copy.visits["pressure"], copy.static["age"] = 90.0, 50.0
    made = [clinic(60, 1), clinic(60, 2), copy]
    train, held, other = (Side(records=r, tokens=clinic_codec.encode(r)) for r in made)
    case = Case(train=train, holdout=held, synthetic=other, schema=plan, codec=clinic_codec, seed=0)
    [row] = dict(steps(case))["rules_broken"]()
    assert row.value.value == 0
    assert row.real.value == rules_broken(clinic(60, 2), plan).value > 0.5
    assert row.real_name == "real patients held out" and row.control.value > 0
    assert row.reached is None  # not a part of likeness: a copy of ours always holds its rules
