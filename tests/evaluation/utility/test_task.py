"""Features and labels of the schema's task, on patients worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dpsynth.data.records import Records
from dpsynth.errors import SchemaError
from dpsynth.evaluation.utility.task import task
from dpsynth.schema import Label

NAN = float("nan")


@pytest.fixture
def three() -> Records:
    """Patient 0 with three visits, 1 with one, 2 with none."""
    static = pd.DataFrame(
        {"sex": ["f", "m", "m"], "age": [15.0, 25.0, NAN], "died": ["true", "false", "true"]}
    )
    visits = pd.DataFrame(
        {
            "patient": [0, 0, 0, 1],
            "time": [0.0, 12.0, 40.0, 0.0],
            "pressure": [55.0, 75.0, NAN, 125.0],  # bins of 20 from 50: 0, 1, -, 3
            "therapy": ["none", "tablet", "insulin", "tablet"],
        }
    )
    return Records(np.array(["a", "b", "c"], dtype=object), static, visits)


def test_a_patient_label_is_predicted_from_statics_and_all_visits(three, clinic_codec):
    made = task(three, clinic_codec, Label(column="died", positive="true"))
    assert made.y.tolist() == [True, False, True]
    assert made.patient.tolist() == [0, 1, 2]
    assert made.features[:4] == ("sex", "age", "visits before", "(gap) [-4]")
    assert "died" not in made.features
    # Four visits of (gap, pressure, therapy), aligned at the end.
    np.testing.assert_array_equal(
        made.X,
        np.array(
            [
                [0, 1, 3, *[NAN] * 3, NAN, 0, 0, 1, 1, 1, 2, NAN, 2],
                [1, 2, 1, *[NAN] * 9, NAN, 3, 1],
                [1, NAN, 0, *[NAN] * 12],
            ],
            dtype=np.float32,
        ),
    )


def test_before_sees_nothing_of_the_last_visit(three, clinic_codec):
    label = Label(column="therapy", positive="insulin", given="before")
    made = task(three, clinic_codec, label)
    assert made.y.tolist() == [True, False]
    assert made.patient.tolist() == [0, 1]
    assert made.patients == 3
    np.testing.assert_array_equal(
        made.X[0], np.array([0, 1, 1, 2, *[NAN] * 6, NAN, 0, 0, 1, 1, 1], dtype=np.float32)
    )
    assert np.isnan(made.X[1, 4:]).all()
    assert "died" in made.features


def test_same_sees_the_visit_but_not_its_label(three, clinic_codec):
    label = Label(column="therapy", positive="tablet", given="same")
    made = task(three, clinic_codec, label)
    assert made.y.tolist() == [False, True, False, True]
    assert made.patient.tolist() == [0, 0, 0, 1]
    assert made.features[-2:] == ("(gap) [now]", "pressure [now]")
    np.testing.assert_array_equal(made.X[1, -2:], np.array([1, 1], dtype=np.float32))
    # The label before is known by then; its own is nowhere.
    assert made.features[-3] == "therapy [-1]"
    assert made.X[1, -3] == 0


def test_a_last_visit_may_be_changed_without_changing_what_predicts_it(three, clinic_codec):
    label = Label(column="therapy", positive="insulin", given="before")
    changed = three.visits.copy()
    changed.loc[2, ["time", "pressure"]] = [99.0, 240.0]
    other = Records(three.keys, three.static, changed)
    np.testing.assert_array_equal(
        task(three, clinic_codec, label).X, task(other, clinic_codec, label).X
    )


def test_a_threshold_inside_a_bin_needs_records(three, clinic_codec):
    label = Label(column="pressure", above=60.0, given="before")
    # Patient 0's last pressure is missing, so only patient 1 is a sample.
    made = task(three, clinic_codec, label)
    assert made.y.tolist() == [True]
    assert made.patient.tolist() == [1]
    with pytest.raises(SchemaError, match="no bin edge"):
        task(clinic_codec.encode(three), clinic_codec, label)


@pytest.mark.parametrize("above", [50.0, 70.0, 130.0])
def test_at_a_bin_edge_tokens_and_records_agree(clinic, clinic_codec, above):
    label = Label(column="pressure", above=above, given="same")
    records = clinic(60, 3)
    raw = task(records, clinic_codec, label)
    coded = task(clinic_codec.encode(records), clinic_codec, label)
    np.testing.assert_array_equal(raw.y, coded.y)
    np.testing.assert_array_equal(raw.X, coded.X)


def test_a_static_threshold_reads_the_values(three, clinic_codec):
    made = task(three, clinic_codec, Label(column="age", above=15.0))
    assert made.y.tolist() == [False, True]
    assert made.patient.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (Label(column="nowhere", positive="x"), "no modelled column"),
        (Label(column="sex", positive="x"), "positive must be one of"),
        (Label(column="age", positive="1"), "above"),
    ],
)
def test_a_label_that_does_not_fit_is_named(three, clinic_codec, label, message):
    with pytest.raises(SchemaError, match=message):
        task(three, clinic_codec, label)
