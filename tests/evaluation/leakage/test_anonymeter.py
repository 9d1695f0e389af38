"""anonymeter's attacks: the files it gets, what is made of its answers, and that it may lack."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dpsynth.data.codec import Codec
from dpsynth.data.records import Records
from dpsynth.errors import InputError
from dpsynth.evaluation import leakage
from dpsynth.evaluation.case import Case, Side
from dpsynth.evaluation.leakage.anonymeter import check, flattened, risk, risks
from dpsynth.evaluation.steps import anonymeter as step

ENVIRONMENT = os.environ.get("DPSYNTH_ANONYMETER")
needed = pytest.mark.skipif(
    not ENVIRONMENT, reason="DPSYNTH_ANONYMETER names no Python that has anonymeter"
)


def case_of(train, holdout, synthetic, schema, codec, python) -> Case:
    sides = [Side(records=each, tokens=codec.encode(each)) for each in (train, holdout, synthetic)]
    return Case(
        train=sides[0], holdout=sides[1], synthetic=sides[2], schema=schema, codec=codec, seed=0,
        anonymeter=python,
    )  # fmt: skip


def test_patients_are_flattened_by_hand(clinic_codec):
    static = pd.DataFrame({"sex": ["f", None], "age": [50.0, np.nan], "died": ["true", "false"]})
    visits = pd.DataFrame(
        {
            "patient": [0, 0],
            "time": [0.0, 9.0],
            "pressure": [100.0, 120.0],
            "therapy": ["none", "tablet"],
        }
    )
    made = flattened(Records(np.array(["a", "b"], dtype=object), static, visits), clinic_codec)
    assert made.numbers == ("age", "(visits)", "(visits) pressure")
    assert made.parts == (
        ("sex", "age", "died"), ("(visits)", "(visits) pressure", "(visits) therapy")
    )  # fmt: skip
    first, second = made.frame.to_dict("records")
    assert first == {
        "sex": "f", "age": 50.0, "died": "true", "(visits)": 2.0, "(visits) pressure": 110.0,
        "(visits) therapy": "tablet",
    }  # fmt: skip
    assert (second["sex"], second["(visits)"], second["(visits) therapy"]) == ("", 0.0, "")
    assert np.isnan(second["(visits) pressure"])


def test_without_visits_columns_are_halved(clinic, clinic_codec):
    book = Codec(static=clinic_codec.static, visit=(), max_visits=0)
    assert flattened(clinic(5, 1), book).parts == (("sex", "died"), ("age",))


def test_a_risk_is_read_as_an_estimate():
    found = {"value": 0.1, "low": 0.0, "high": 0.2, "n": 500}
    made = risk(found)
    assert (made.value, made.low, made.high, made.n) == (0.1, 0.0, 0.2, 500)
    assert not risk(None).assessable
    assert not risk(found | {"value": float("nan")}).assessable


def test_a_python_without_anonymeter_is_refused_with_the_cure(tmp_path):
    with pytest.raises(InputError, match=r"no anonymeter; .*pip install 'anonymeter"):
        check(Path(sys.executable))
    with pytest.raises(InputError, match="can't be run"):
        check(tmp_path / "nothing")


@pytest.fixture
def pretended(tmp_path) -> Path:
    """An interpreter that answers without looking: a shell script."""
    python = tmp_path / "python"
    figures = '{"value": 0.1, "low": 0.05, "high": 0.2, "n": 9}'
    one = f'{{"singling_out": {figures}, "inference": {{"sex": {figures}}}}}'
    answer = f'{{"copy": {one}, "fresh": {one}, "plain": {one}}}'
    python.write_text(
        f'#!/bin/sh\ntest -f "$3/members.csv" && echo \'{answer}\' > "$3/risks.json"\n'
    )
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    return python


def test_rows_are_made_of_the_answers(pretended, clinic, clinic_plan, clinic_codec):
    some = clinic(40, 1), clinic(30, 2), clinic(20, 3)
    case = case_of(*some, clinic_plan, clinic_codec, pretended)
    ((name, run),) = step.steps(case)
    assert name == "anonymeter"
    rows = run()
    assert {row.metric for row in rows} == set(leakage.ANONYMETER)
    assert [row.group for row in rows] == [None, None, "sex", "age", "died"]
    assert [row.value.assessable for row in rows] == [True, False, True, False, False]
    assert "patent pending" in step.remarks(case)[0]


def test_it_is_not_run_unasked_or_without_patients(clinic, clinic_plan, clinic_codec, pretended):
    some = clinic(40, 1), clinic(30, 2), clinic(20, 3)
    assert not list(step.steps(case_of(*some, clinic_plan, clinic_codec, None)))
    assert not step.remarks(case_of(*some, clinic_plan, clinic_codec, None))
    none = some[2].take(np.array([], dtype=int))
    assert not list(step.steps(case_of(*some[:2], none, clinic_plan, clinic_codec, pretended)))


def test_a_failure_is_one_line_without_values(tmp_path, clinic, clinic_codec):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho first >&2\necho 'ValueError: too few' >&2\nexit 1\n")
    python.chmod(0o700)
    flat = flattened(clinic(5, 1), clinic_codec)
    with pytest.raises(InputError, match=r"^anonymeter failed: ValueError$"):
        risks(python, flat, flat, {"copy": flat}, ())


def test_a_failure_is_not_assessable_and_keeps_the_rest(
    tmp_path, clinic, clinic_plan, clinic_codec
):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'ValueError: too few' >&2\nexit 1\n")
    python.chmod(0o700)
    some = clinic(40, 1), clinic(30, 2), clinic(20, 3)
    rows = step.rows(case_of(*some, clinic_plan, clinic_codec, python))
    assert {row.metric for row in rows} == set(leakage.ANONYMETER)
    assert all("anonymeter failed: ValueError" in row.reading for row in rows)


@needed
def test_the_real_one_sees_a_plain_copy_and_no_leak_in_fresh_patients(
    clinic, clinic_plan, clinic_codec
):
    python = Path(str(ENVIRONMENT))
    check(python)
    case = case_of(
        clinic(150, 1), clinic(300, 2), clinic(150, 1), clinic_plan, clinic_codec, python
    )
    for row in step.rows(case):
        assert row.value.low > 0.2, row.reading  # the copy is a plain copy
        assert row.real.low < 0.2, row.reading
