"""Event streams to windows, worked by hand."""

import numpy as np
import pandas as pd
import pytest

from dpsynth.data.reader import read
from dpsynth.schema import Schema

NAN = np.nan
KEYS = {"time": {"column": "t", "unit": "minutes"}, "code": "code", "number": "v", "every": "1h"}
WIDE = [0, 1000]
# Patient 1: window 0 holds A = 4 (t 5), 2 (t 30), 9 (t 59); window 2 holds A = 7.
STREAM = (
    "pid,t,code,v\n1,30,A,2\n1,5,A,4\n1,59,A,9\n1,130,A,7\n1,10,Z,1\n1,400,A,5\n1,-1,A,5\n2,8,Z,3\n"
)


def stream(put, one_table, columns, text=STREAM, **more):
    schema = one_table("events", columns, **{**KEYS, **more})
    return read([put("x.csv", text)], schema)


@pytest.mark.parametrize(
    ("value", "first", "second"),
    [
        ("mean", 5, 7),  # (4 + 2 + 9) / 3
        ("last", 9, 7),
        ("first", 4, 7),
        ("min", 2, 7),
        ("max", 9, 7),
        ("sum", 15, 7),
        ("count", 3, 1),
    ],
)
def test_windows_sum_up_as_the_schema_says(put, one_table, value, first, second):
    columns = {"A": {"type": "number", "bounds": WIDE, "value": value}}
    records, notes = stream(put, one_table, columns, span="3h")
    assert records.visits.to_numpy().tolist() == [[0, 0, first], [0, 120, second]]
    assert list(records.keys) == ["1", "2"]  # 2 has no declared event: an empty history
    assert notes.counts == {
        ("tables.x", "events of other codes (dropped)"): 2,
        ("tables.x", "events outside the windows (dropped)"): 2,  # t = 400 and t = -1
    }


def test_a_regular_grid_keeps_empty_windows_of_those_who_have_any(put, one_table):
    columns = {
        "A": {"type": "number", "bounds": WIDE},
        "n": {"type": "count", "bounds": WIDE, "value": "count", "source": "Z"},
    }
    records, _ = stream(put, one_table, columns, span="3h", empty="keep", other_codes="ignore")
    want = [[0, 0, 5, 1], [0, 1, NAN, 0], [0, 2, 7, 0]]
    want += [[1, 0, NAN, 1], [1, 1, NAN, 0], [1, 2, NAN, 0]]
    np.testing.assert_equal(records.visits.to_numpy(), want)


def test_bounds_hold_for_each_value_or_for_the_sum(put, one_table):
    columns = {"A": {"type": "number", "bounds": [3, 8], "outside": "drop"}}
    records, _ = stream(put, one_table, columns, span="3h")
    assert records.visits["A"].tolist() == [4, 7]  # 2 and 9 dropped
    columns = {"A": {"type": "number", "bounds": [0, 8]}}
    records, _ = stream(put, one_table, columns, span="3h")
    assert records.visits["A"].tolist() == [(4 + 2 + 8) / 3, 7]
    columns = {"A": {"type": "number", "bounds": [0, 8], "value": "sum"}}
    records, _ = stream(put, one_table, columns, span="3h")
    assert records.visits["A"].tolist() == [8, 7]  # 15 clipped


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_categories_and_occurrence(put, one_table, ending):
    nan = None if ending == "parquet" else ""
    rows = [(1, 1, "S", 1.0), (1, 2, "S", 2), (1, 70, "S", 9), (1, 3, "D", nan), (2, 65, "D", nan)]
    path = put(f"x.{ending}", pd.DataFrame(rows, columns=["pid", "t", "code", "v"]))
    columns = {
        "S": {"type": "category", "categories": ["1", "2"]},
        "D": {"type": "boolean", "value": "count"},
    }
    records, notes = read([path], one_table("events", columns, **KEYS, span="2h"))
    assert records.visits.to_numpy().tolist() == [
        [0, 0, "2", "true"],
        [0, 60, None, "false"],
        [1, 60, None, "true"],
    ]
    assert notes.counts == {("tables.x.columns.S", "values not in the list (missing)"): 1}


def test_meds_files_are_read_as_they_are(put):
    rows = [
        (1, None, "GENDER//F", None),
        (1, "1950-05-05", "MEDS_BIRTH", None),
        (1, "2020-01-01T10:00:00", "HR", 80.0),
        (1, "2020-01-01T20:00:00", "HR", 90.0),
        (1, "2020-01-03T10:00:00", "HR", 70.0),
        (2, None, "WEIGHT", 61.5),
    ]
    frame = pd.DataFrame(rows, columns=["subject_id", "time", "code", "numeric_value"])
    frame["time"] = pd.to_datetime(frame["time"], format="ISO8601")
    frame = frame.astype({"numeric_value": "float32"}).assign(text_value=None)
    columns = {
        "female": {"type": "boolean", "source": "GENDER//F", "per": "patient", "value": "count"},
        "WEIGHT": {"type": "number", "bounds": [0, 300], "per": "patient"},
        "HR": {"type": "number", "bounds": [0, 300]},
    }
    table = {
        "shape": "events",
        "key": "subject_id",
        "time": {"column": "time", "kind": "date", "unit": "days"},
        "code": "code",
        "number": "numeric_value",
        "every": "1d",
        "other_codes": "ignore",
        "columns": columns,
    }
    schema = Schema(name="meds", max_visits=5, tables={"data": table})
    records, notes = read([put("data.parquet", frame)], schema)
    assert records.static["female"].tolist() == ["true", "false"]
    np.testing.assert_equal(records.static["WEIGHT"].to_numpy(), [NAN, 61.5])
    # the birth is no visit: days count from the first HR
    assert records.visits.to_numpy().tolist() == [[0, 0, 85], [0, 2, 70]]
    assert not notes.counts


def test_identifier_codes_are_never_read(put, one_table):
    columns = {
        "A": {"type": "number", "bounds": WIDE},
        "Z": {"type": "category", "identifier": True},
    }
    records, _ = stream(put, one_table, columns, span="3h")
    assert list(records.visits.columns) == ["patient", "time", "A"]


def test_rows_of_windows_are_recognised_by_their_header(put, one_table):
    columns = {
        "A": {"type": "number", "bounds": WIDE},
        "n": {"type": "count", "bounds": WIDE, "value": "count", "source": "Z"},
        "sex": {"type": "boolean", "per": "patient"},
    }
    schema = one_table("events", columns, **KEYS, span="3h", empty="keep")
    text = "pid,t,A,Z,sex\n1,120,7,2,1\n1,0,,,\n1,60,5,1,\n2,,,,0\n3,60,1,1,\n3,999,1,1,\n"
    records, notes = read([put("x.csv", text)], schema)
    want = [
        [0, 0, NAN, 0],
        [0, 1, 5, 1],
        [0, 2, 7, 2],
        [2, 0, NAN, 0],
        [2, 1, 1, 1],
        [2, 2, NAN, 0],
    ]
    np.testing.assert_equal(records.visits.to_numpy(), want)
    assert records.static["sex"].tolist() == ["true", "false", None]
    assert notes.counts["tables.x", "rows outside the windows (dropped)"] == 1
