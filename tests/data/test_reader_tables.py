"""Tables to records: patients, visits, clocks, joins; the file's order has no part in it."""

import numpy as np
import pandas as pd
import pytest

from dpsynth.data.reader import read
from dpsynth.schema import Schema

NUMBER = {"type": "number", "bounds": [0, 1000]}


def test_static_rows_become_records_of_the_promised_types(put, one_table):
    columns = {
        "age": NUMBER,
        "n": {"type": "count", "bounds": [0, 9]},
        "sex": {"type": "category", "categories": ["M", "F"]},
        "dead": {"type": "boolean"},
        "name": {"type": "category", "identifier": True},
    }
    path = put("x.csv", "pid,age,n,sex,dead,name\n10,5,1,M,1,Ann\n9,,,,,Bob\n")
    records, _ = read([path], one_table("static", columns))
    assert list(records.keys) == ["9", "10"]  # shorter keys first
    assert list(records.static.columns) == ["age", "n", "sex", "dead"]
    assert [str(t) for t in records.static.dtypes] == ["float64", "float64", "object", "object"]
    assert records.static.iloc[0].isna().all()
    assert records.static.iloc[0]["sex"] is None
    assert records.static.iloc[1].tolist() == [5.0, 1.0, "M", "true"]
    assert len(records.visits) == 0
    assert list(records.visits.columns) == ["patient", "time"]


def test_rows_without_a_key_are_dropped_and_keys_match_over_types(put):
    tables = {
        "a": {"shape": "static", "key": "pid", "columns": {"x": NUMBER}},
        "b": {"shape": "static", "key": "who", "columns": {"y": NUMBER}},
    }
    a = put("a.csv", "pid,x\n1,1\n,2\n007,3\n")
    b = put("b.parquet", pd.DataFrame({"who": [1.0, np.nan, 2.0], "y": [4.0, 5.0, 6.0]}))
    records, notes = read([a, b], Schema(name="t", tables=tables))
    assert list(records.keys) == ["1", "2", "007"]
    np.testing.assert_equal(records.static.to_numpy(), [[1, 4], [np.nan, 6], [3, np.nan]])
    assert notes.counts["tables.a", "rows without pid (dropped)"] == 1
    assert notes.counts["tables.b", "rows without who (dropped)"] == 1


def test_doubled_static_rows_keep_one_whatever_the_order(put, one_table):
    columns = {"x": NUMBER, "c": {"type": "category", "categories": ["a", "b"]}}
    rows = [(1, 5, "b"), (1, 5, "a"), (1, 7, "a"), (2, 1, "a"), (2, 1, "a")]
    schema = one_table("static", columns)
    for order in ([0, 1, 2, 3, 4], [4, 2, 1, 3, 0], [2, 4, 0, 1, 3]):
        frame = pd.DataFrame([rows[i] for i in order], columns=["pid", "x", "c"])
        records, notes = read([put("x.csv", frame)], schema)
        assert records.static.to_numpy().tolist() == [[5.0, "a"], [1.0, "a"]]
        assert notes.counts["tables.x", "more rows of a patient (dropped)"] == 2
        assert notes.counts["tables.x", "identical rows (dropped)"] == 1


def test_a_visits_table_is_sorted_and_its_patient_facts_are_the_first_known(put, one_table):
    columns = {"x": NUMBER, "sex": {"type": "boolean", "per": "patient"}}
    text = "pid,t,x,sex\n2,3,30,0\n2,1,10,\n1,5,50,1\n2,2,20,1\n3,,,1\n"
    records, notes = read([put("x.csv", text)], one_table("visits", columns))
    assert records.static["sex"].tolist() == ["true", "true", "true"]
    assert records.visits.to_numpy().tolist() == [[0, 5, 50], [1, 1, 10], [1, 2, 20], [1, 3, 30]]
    assert list(records.visits["patient"]) == [0, 1, 1, 1]  # patient 3 has an empty history
    assert notes.counts == {("tables.x", "rows without a time (no visit)"): 1}


def test_a_date_keeps_the_time_since_the_first_visit_and_loses_the_calendar(put, one_table):
    schema = one_table("visits", {"x": NUMBER}, time={"column": "t", "kind": "date"})
    early = "pid,t,x\n1,2020-02-28,1\n1,2020-03-01T12:00:00,2\n2,1999-12-31,3\n1,soon,4\n"
    late = "pid,t,x\n1,2120-02-28,1\n1,2120-03-01T12:00:00,2\n2,2001-01-01,3\n1,,4\n"
    frames = [read([put("x.csv", text)], schema)[0].visits for text in (early, late)]
    pd.testing.assert_frame_equal(*frames)
    assert frames[0]["time"].tolist() == [0, 2.5, 0]  # 2020 and 2120 are leap years


def test_stored_timestamps_equal_written_ones(put, one_table, same):
    schema = one_table("visits", {"x": NUMBER}, time={"column": "t", "kind": "date"})
    days = ["2020-01-01T06:00:00", "2020-01-02T00:00:00", "2020-01-05T00:00:00"]
    frame = pd.DataFrame({"pid": [1, 1, 2], "t": days, "x": [1.0, 2.0, 3.0]})
    one, _ = read([put("x.csv", frame)], schema)
    two, _ = read([put("x.parquet", frame.assign(t=pd.to_datetime(frame["t"])))], schema)
    zoned = pd.to_datetime(frame["t"]).dt.tz_localize("Asia/Tokyo")
    three, _ = read([put("x.parquet", frame.assign(t=zoned))], schema)
    same(one, two)
    same(one, three)
    own = one_table(
        "visits", {"x": NUMBER}, time={"column": "t", "kind": "date", "format": "%d.%m.%y"}
    )
    four, _ = read([put("x.csv", "pid,t,x\n1,31.12.19,1\n1,01.01.20,2\n")], own)
    assert four.visits["time"].tolist() == [0, 1]


def test_an_order_keeps_the_order_alone(put, one_table):
    schema = one_table("visits", {"x": NUMBER}, time={"column": "t", "kind": "order"})
    records, _ = read([put("x.csv", "pid,t,x\n1,900,2\n1,17,1\n2,5,3\n1,1e6,4\n")], schema)
    assert records.visits.to_numpy().tolist() == [[0, 0, 1], [0, 1, 2], [0, 2, 4], [1, 0, 3]]


def test_several_files_of_a_table_are_one(put, one_table, same):
    schema = one_table("visits", {"x": NUMBER})
    whole, _ = read([put("x.csv", "pid,t,x\n1,1,1\n1,2,2\n2,1,3\n")], schema)
    one = put("parts/x-0001.csv", "pid,t,x\n1,2,2\n")
    two = put("parts/x-0002.parquet", pd.DataFrame({"x": [3, 1], "pid": [2, 1], "t": [1, 1]}))
    for paths in ([one, two], [two, one], [one.parent], [f"x={one}", f"x={two}"]):
        same(read(paths, schema)[0], whole)


def test_tables_join_by_patient_and_time(put):
    visits = {"shape": "visits", "key": "pid", "time": {"column": "t"}}
    tables = {
        "people": {"shape": "static", "key": "pid", "columns": {"age": NUMBER}},
        "labs": {**visits, "columns": {"na": NUMBER}},
        "drugs": {**visits, "columns": {"mg": NUMBER}},
    }
    paths = [
        put("people.csv", "pid,age\n1,50\n4,80\n"),
        put("labs.csv", "pid,t,na\n1,1,140\n1,2,141\n2,1,139\n"),
        put("drugs.csv", "pid,t,mg\n1,2,5\n1,3,6\n3,9,7\n"),
    ]
    records, _ = read(paths, Schema(name="t", max_visits=3, tables=tables))
    nan = np.nan
    assert list(records.keys) == ["1", "2", "3", "4"]
    np.testing.assert_equal(records.static["age"].to_numpy(), [50, nan, nan, 80])
    want = [[0, 1, 140, nan], [0, 2, 141, 5], [0, 3, nan, 6], [1, 1, 139, nan], [2, 9, nan, 7]]
    np.testing.assert_equal(records.visits.to_numpy(), want)


def clinic(rng, patients):
    n = 12 * patients
    rows = pd.DataFrame(
        {
            "pid": rng.integers(0, patients, n),
            "t": rng.integers(0, 4, n),  # ties on purpose
            "x": rng.choice([0.1, 0.2, 1e16, -1e16, 5e20, np.nan], n),
            "c": rng.choice(["a", "b", "zz", ""], n),
        }
    )
    codes = rng.choice(["A", "B", "C", "Z"], n)
    return rows, rows.assign(c=codes)


VISIT_COLUMNS = {
    "x": {"type": "number", "bounds": [-1e17, 1e17]},
    "c": {"type": "category", "categories": ["a", "b"], "other": True, "per": "patient"},
}
EVENT_COLUMNS = {
    "A": {"type": "number", "bounds": [-1e17, 1e17]},
    "B": {"type": "number", "bounds": [-1e17, 1e17], "value": "sum"},
    "C": {"type": "number", "bounds": [-1e17, 1e17], "value": "last"},
}
EVENT_KEYS = {"time": {"column": "t", "unit": "hours"}, "code": "c", "number": "x", "every": "2h"}


@pytest.mark.parametrize("shape", ["static", "visits", "events"])
def test_the_order_of_rows_and_other_patients_change_nothing(put, one_table, same, shape):
    rng = np.random.default_rng(3)
    rows, events = clinic(rng, 6)
    if shape == "static":
        frame = rows.drop(columns="t")
        columns = {k: {**v, "per": None} for k, v in VISIT_COLUMNS.items()}
        schema = one_table("static", columns)
    elif shape == "visits":
        frame, schema = rows, one_table("visits", VISIT_COLUMNS)
    else:
        frame, schema = events, one_table("events", EVENT_COLUMNS, **EVENT_KEYS)
    whole, _ = read([put("x.csv", frame)], schema)
    for _ in range(5):
        shuffled = frame.sample(frac=1, random_state=int(rng.integers(2**31)))
        same(read([put("x.csv", shuffled)], schema)[0], whole)
    for gone in range(6):
        rest, _ = read([put("x.csv", frame[frame["pid"] != gone])], schema)
        others = np.flatnonzero(whole.keys != str(gone))
        same(rest, whole.take(others))


@pytest.mark.parametrize("shape", ["static", "visits", "events"])
def test_an_empty_table_has_no_patients(put, one_table, shape):
    schema = {
        "static": one_table("static", {"x": NUMBER, "c": {"type": "boolean"}}),
        "visits": one_table("visits", {"x": NUMBER, "c": {"type": "boolean"}}),
        "events": one_table("events", EVENT_COLUMNS, **EVENT_KEYS),
    }[shape]
    records, notes = read(
        [put("x.csv", "pid,x,c\n" if shape == "static" else "pid,t,x,c\n")], schema
    )
    assert len(records) == 0
    assert len(records.visits) == 0
    assert notes.lines() == []
