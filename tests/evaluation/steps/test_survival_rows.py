"""The row about survival."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from dpsynth.data.codec import codec
from dpsynth.data.records import Records
from dpsynth.evaluation.case import Case, Side
from dpsynth.evaluation.steps import survival
from dpsynth.schema import Column, Survival


@pytest.fixture(scope="module")
def declared(clinic, clinic_plan):
    """The clinic with a time until death or leaving."""
    people = clinic_plan.tables["patients"]
    columns = {**people.columns, "followed": Column(type="number", bounds=(0, 100))}
    tables = {**clinic_plan.tables, "patients": people.model_copy(update={"columns": columns})}
    plan = clinic_plan.model_copy(
        update={"tables": tables, "survival": Survival(time="followed", event="died")}
    )
    book, sides = codec(plan), []
    for seed in (1, 2, 3):
        made = clinic(400, seed)
        time = np.random.default_rng(seed).exponential(15, 400).clip(0, 100)
        records = Records(made.keys, made.static.assign(followed=time), made.visits)
        sides.append(Side(records=records, tokens=book.encode(records)))
    train, holdout, synthetic = sides
    return Case(train=train, holdout=holdout, synthetic=synthetic, schema=plan, codec=book, seed=0)


def test_a_declared_time_has_a_row(declared):
    pytest.importorskip("sksurv")
    rows = [row for _, step in survival.steps(declared) for row in step()]
    assert [row.metric for row in rows] == ["survival_distance"]
    assert rows[0].reached > 0.5
    assert survival.remarks(declared) == []


def test_without_the_library_a_note_tells_the_cure(declared, monkeypatch):
    monkeypatch.setitem(sys.modules, "sksurv.nonparametric", None)
    assert list(survival.steps(declared)) == []
    (note,) = survival.remarks(declared)
    assert note.endswith("pip install 'dpsynth[survival]'")


def test_nothing_is_said_where_nothing_is_declared(clinic, clinic_plan, clinic_codec, monkeypatch):
    monkeypatch.setitem(sys.modules, "sksurv.nonparametric", None)
    records = clinic(30, 1)
    side = Side(records=records, tokens=clinic_codec.encode(records))
    case = Case(
        train=side, holdout=side, synthetic=side, schema=clinic_plan, codec=clinic_codec, seed=0
    )
    assert list(survival.steps(case)) == []
    assert survival.remarks(case) == []
