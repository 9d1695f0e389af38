"""A report that may be shared: whole without real patients, and it says what is not in it."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from dpsynth.data.records import Records
from dpsynth.evaluation import bias, fidelity, leakage, utility
from dpsynth.evaluation.left_out import TABLES, left_out
from dpsynth.evaluation.metric import Metric
from dpsynth.evaluation.report import SCHEMA_FILE
from dpsynth.evaluation.shareable import SAYS, shareable, write_shareable

CARD = {"guarantee": {"epsilon": 2.0, "delta": 1e-5}}


@pytest.fixture(scope="module")
def found(clinic, clinic_plan, clinic_codec):
    plan = clinic_plan.model_copy(update={"rules": ("pressure < 1000", "pressure > 110")})
    return shareable(clinic(80, 3), plan, clinic_codec)


def test_it_is_what_the_schema_says_with_and_without_a_card(found, tmp_path):
    validator = Draft202012Validator(json.loads(SCHEMA_FILE.read_text()))
    for card in (None, CARD):
        _, data = write_shareable(found, tmp_path, title="Clinic", privacy=card)
        facts = json.loads(data.read_text())
        validator.validate(facts)
        real = {**facts["columns"][0], "real": [1.0]}
        assert not validator.is_valid({**facts, "columns": [real]})


def test_equal_inputs_give_equal_bytes(found, clinic, clinic_plan, clinic_codec, tmp_path):
    again = shareable(clinic(80, 3), clinic_plan, clinic_codec)
    one, two = (
        write_shareable(again, tmp_path / name, title="Clinic", figures=True) for name in "ab"
    )
    assert [p.read_bytes() for p in one] == [p.read_bytes() for p in two]
    assert len(one) > 5


def test_the_page_says_what_it_is_what_is_promised_and_what_is_missing(found, tmp_path):
    page = write_shareable(found, tmp_path, title="Clinic", privacy=CARD)[0].read_text()
    assert SAYS in page and "INTERNAL" not in page
    assert "epsilon = 2" in page
    assert "pressure &gt; 110" in page
    for each in left_out():
        assert each.name in page
    assert not re.search(r"src=|@import|url\(|https?:|\bNone\b|\b[nN]a[nN]\b", page)
    bare = write_shareable(found, tmp_path, title="Clinic")[0].read_text()
    assert "Who may not have the copy must not have this report" in bare


def test_broken_rules_are_counted_by_hand(clinic, clinic_plan, clinic_codec):
    plan = clinic_plan.model_copy(update={"rules": ("pressure > 110",)})
    copy = clinic(80, 3)
    low = copy.visits.loc[copy.visits["pressure"] <= 110, "patient"].nunique()
    assert shareable(copy, plan, clinic_codec).rules[0].patients == low > 0


@pytest.mark.parametrize("patients", [0, 1])
def test_hardly_any_synthetic_patients_never_crash(
    clinic, clinic_plan, clinic_codec, patients, tmp_path
):
    few = clinic(80, 3).take(np.arange(patients))
    made = shareable(few, clinic_plan, clinic_codec)
    page, _ = write_shareable(made, tmp_path, title="Clinic", figures=False)[:2]
    assert not re.search(r"\b[nN]a[nN]\b", page.read_text())


def test_a_copy_that_lacks_a_column_is_described_without_it(clinic, clinic_plan, clinic_codec):
    copy = clinic(80, 3)
    poor = Records(copy.keys, copy.static, copy.visits.drop(columns="pressure"))
    made = shareable(poor, clinic_plan, clinic_codec)
    assert made.synthetic == 80


def test_every_measure_that_there_is_is_listed(evaluations):
    listed = {(each.family, each.name) for each in left_out()}
    assert {(row.family, row.metric) for row in evaluations[0].rows} <= listed
    assert all(each.why for each in left_out())


def test_no_table_of_measures_is_forgotten():
    modules = {"fidelity": fidelity, "utility": utility, "bias": bias, "leakage": leakage}
    for family, module in modules.items():
        for name, table in vars(module).items():
            if isinstance(table, dict) and table and _metrics(table):
                known = set().union(*TABLES[family])
                assert set(table) <= known, f"{family}.{name} is missing in left_out.TABLES"


def _metrics(table: dict) -> bool:
    return all(isinstance(each, Metric) for each in table.values())
