"""Rows about kinds of models, their order, and what an analyst concludes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dpsynth.data.codec import codec
from dpsynth.data.records import Records
from dpsynth.evaluation.case import Case, Side
from dpsynth.evaluation.evaluation import Row
from dpsynth.evaluation.steps import models

NAMES = {
    "tstr_auc_linear",
    "tstr_auc_mlp",
    "tstr_auc_gru",
    "tstr_calibration_slope",
    "tstr_calibration_intercept",
    "trts_auc",
    "augmented_auc",
    "ranking_agreement",
    "regret",
    "coefficient_overlap",
    "interval_coverage",
}


def rows_of(train: Records, holdout: Records, copy: Records, plan, book) -> dict[str, Row]:
    sides = [Side(records=e, tokens=book.encode(e)) for e in (train, holdout, copy)]
    case = Case(
        train=sides[0], holdout=sides[1], synthetic=sides[2], schema=plan, codec=book, seed=0
    )
    found = {row.metric: row for _, step in models.steps(case) for row in step()}
    json.dumps(models.remarks(case))
    return found


@pytest.fixture(scope="module")
def fresh(clinic, clinic_plan, clinic_codec):
    return rows_of(clinic(500, 1), clinic(500, 2), clinic(500, 3), clinic_plan, clinic_codec)


def test_every_row_is_there_with_its_references(fresh):
    assert set(fresh) == NAMES
    for row in fresh.values():
        assert row.value.assessable and row.real.assessable and row.control.assessable, row.metric


def test_fresh_patients_are_as_good_as_real_ones(fresh):
    # The AUC's standard error is about 0.02 for each side: five of the difference's is 0.14.
    for name in NAMES:
        row = fresh[name]
        if "auc" in name:
            assert abs(row.value.value - row.real.value) < 0.14
    # The slope's is about 0.1 for each side, given the model.
    slope = fresh["tstr_calibration_slope"]
    assert abs(slope.value.value - slope.real.value) < 0.7


def test_shuffled_labels_are_found(clinic, clinic_plan, clinic_codec, fresh):
    copy = clinic(500, 3)
    died = np.random.default_rng(0).permutation(copy.static["died"].to_numpy())
    planted = Records(copy.keys, copy.static.assign(died=died), copy.visits)
    found = rows_of(clinic(500, 1), clinic(500, 2), planted, clinic_plan, clinic_codec)
    for name in ("tstr_auc_linear", "tstr_auc_mlp", "trts_auc"):
        assert found[name].value.high < fresh[name].value.low, name
    assert found["augmented_auc"].value.value < fresh["augmented_auc"].value.value
    assert found["tstr_calibration_slope"].value.high < 0.5
    assert found["coefficient_overlap"].value.value < fresh["coefficient_overlap"].value.value


@pytest.mark.parametrize("patients", [0, 1, 9])
def test_hardly_any_copy_never_crashes(clinic, clinic_plan, clinic_codec, patients):
    few = clinic(60, 3).take(np.arange(patients))
    found = rows_of(clinic(80, 1), clinic(80, 2), few, clinic_plan, clinic_codec)
    assert set(found) == NAMES
    if patients < 9:
        assert not found["regret"].value.assessable
        assert not found["coefficient_overlap"].value.assessable


def test_static_data_have_no_network_over_visits(clinic, clinic_plan):
    plan = clinic_plan.model_copy(update={"tables": {"patients": clinic_plan.tables["patients"]}})
    book = codec(plan)
    sides = [
        Records(e.keys, e.static, e.visits.iloc[:0]) for e in (clinic(120, s) for s in (1, 2, 3))
    ]
    assert set(rows_of(*sides, plan, book)) == NAMES - {"tstr_auc_gru"}


def test_one_class_everywhere_never_crashes(clinic, clinic_plan, clinic_codec):
    sides = []
    for seed in (1, 2, 3):
        each = clinic(60, seed)
        sides.append(Records(each.keys, each.static.assign(died="false"), each.visits))
    found = rows_of(*sides, clinic_plan, clinic_codec)
    assert not any(row.value.assessable for row in found.values())
