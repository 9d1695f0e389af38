"""What cells become: numbers in bounds, categories, missing; never an error for a value."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dpsynth.data.reader import read
from dpsynth.errors import DataError

NAN = np.nan


def column(put, one_table, rule, cells, name="x.csv"):
    schema = one_table("static", {"c": rule})
    frame = pd.DataFrame({"pid": np.arange(len(cells)), "c": cells})
    records, notes = read([put(name, frame)], schema)
    return list(records.static["c"]), notes


def test_numbers_are_clipped_or_dropped_and_counted(put, one_table):
    cells = ["5", "-3", "250", "1e20", "inf", "nan", "", "n/a", "tall", " 7.5 "]
    rule = {"type": "number", "bounds": [0, 100]}
    found, notes = column(put, one_table, rule, cells)
    np.testing.assert_equal(found, [5, 0, 100, 100, NAN, NAN, NAN, NAN, NAN, 7.5])
    assert notes.counts == {
        ("tables.x.columns.c", "values outside the bounds (clip)"): 3,  # -3, 250, 1e20
        ("tables.x.columns.c", "cells that are not numbers (missing)"): 2,  # inf, tall
    }
    found, _ = column(put, one_table, {**rule, "outside": "drop"}, cells)
    np.testing.assert_equal(found, [5, *[NAN] * 8, 7.5])


def test_missing_codes_count_as_missing_not_as_outside(put, one_table):
    rule = {"type": "number", "bounds": [0, 100], "missing_values": [-1, "?"]}
    found, notes = column(put, one_table, rule, ["-1", "-1.0", "?", "3"])
    np.testing.assert_equal(found, [NAN, NAN, NAN, 3])
    assert not notes.counts


def test_counts_are_whole(put, one_table):
    found, _ = column(put, one_table, {"type": "count", "bounds": [0, 9]}, ["1.0", "2.6", "99"])
    assert found == [1, 3, 9]


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("x.csv", ["1", "1.0", " 1 ", "01x", ""]),
        ("x.parquet", ["1", "1.0", "1.00", "01x", None]),
        ("x.parquet", [1.0, 1.0, 1.0, 7.0, NAN]),
        ("x.parquet", pd.array([1, 1, 1, 7, None], dtype="Int64")),
        ("x.parquet", pd.Categorical(["1", "1.0", "1", "z", None])),
    ],
)
def test_numeric_codes_match_their_category_however_stored(put, one_table, name, cells):
    rule = {"type": "category", "categories": ["1", "2"]}
    found, notes = column(put, one_table, rule, cells, name)
    assert found == ["1", "1", "1", None, None]
    assert notes.counts == {("tables.x.columns.c", "values not in the list (missing)"): 1}
    found, _ = column(put, one_table, {**rule, "other": True}, cells, name)
    assert found == ["1", "1", "1", "other", None]


def test_none_is_a_category_where_the_schema_lists_it_and_missing_elsewhere(put, one_table):
    rule = {"type": "category", "categories": ["None", "Norm"]}
    assert column(put, one_table, rule, ["None", "Norm", "NA"])[0] == ["None", "Norm", None]
    rule = {"type": "category", "categories": ["Norm"], "other": True}
    assert column(put, one_table, rule, ["None", "Norm", "?"])[0] == [None, "Norm", "other"]


def test_booleans_accept_the_usual_words_and_declared_ones(put, one_table):
    words = ["0", "1", "true", "FALSE", "Yes", "no", "Y", "N", "t", "1.0", "maybe", ""]
    want = ["false", "true", "true", "false", "true", "false", "true", "false", "true", "true"]
    found, _ = column(put, one_table, {"type": "boolean"}, words)
    assert found == [*want, None, None]
    rule = {"type": "boolean", "categories": ["No", "Ch"]}
    assert column(put, one_table, rule, ["No", "Ch", "1"])[0] == ["false", "true", None]
    found, _ = column(put, one_table, {"type": "boolean"}, [True, False], "x.parquet")
    assert found == ["true", "false"]


def test_icd_codes_fall_into_their_chapters(put, one_table):
    groups = {
        "240-279": "endocrine",
        "250": "diabetes",
        "390-459": "circulatory",
        "1-139": "infection",
        "V": "supplementary",
        "E10-E14": "diabetes",
    }
    names = ["endocrine", "diabetes", "circulatory", "infection", "supplementary"]
    rule = {"type": "category", "categories": names, "groups": groups, "other": True}
    codes = {
        "250.83": "diabetes",
        "250": "diabetes",
        "251.2": "endocrine",
        "459.9": "circulatory",
        "460": "other",
        "008": "infection",
        "8": "infection",
        "v27": "supplementary",
        "E119": "diabetes",
        "E11.9": "diabetes",
        "E150": "other",
        "diabetes": "diabetes",
        "": None,
    }
    assert column(put, one_table, rule, list(codes))[0] == list(codes.values())
    stored = [250.83, 8.0, 459.9]
    assert column(put, one_table, rule, stored, "x.parquet")[0] == [
        "diabetes",
        "infection",
        "circulatory",
    ]


def test_private_columns_keep_their_values_for_the_charged_mechanism(put, one_table):
    found, _ = column(put, one_table, {"type": "category", "private": True}, ["x", "1.0", "NA"])
    assert found == ["x", "1", None]
    found, _ = column(put, one_table, {"type": "number", "private": True}, ["-1e9", "inf", "2"])
    np.testing.assert_equal(found, [-1e9, NAN, 2])


def test_strict_turns_a_forbidden_value_into_one_line(put, one_table):
    schema = one_table("static", {"c": {"type": "number", "bounds": [0, 1]}}, strict=True)
    path = put("x.csv", "pid,c\n1,5\n2,0.5\n")
    with pytest.raises(DataError, match=r"tables\.x\.columns\.c: 1 values outside the bounds"):
        read([path], schema)


ODD = st.one_of(
    st.text(max_size=8),
    st.sampled_from(["inf", "-inf", "nan", "1e400", "1e308", "9" * 40, "=1+1", "'=x", "\x00", "٣"]),
)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(st.tuples(ODD, ODD, ODD, ODD, ODD, ODD), max_size=6))
def test_no_value_raises_an_error(put, one_table, rows):
    columns = {
        "n": {"type": "number", "bounds": [0, 1]},
        "k": {"type": "count", "bounds": [0, 9], "private": True},
        "c": {"type": "category", "categories": ["a"], "groups": {"1-9": "a"}},
        "b": {"type": "boolean", "per": "patient"},
    }
    rows = [tuple(cell.encode("utf-8", "ignore").decode() for cell in row) for row in rows]
    frame = pd.DataFrame(rows, columns=["pid", "t", "n", "k", "c", "b"], dtype=object)
    path = put("x.parquet", frame)
    for kind in ("number", "date", "order"):
        schema = one_table("visits", columns, time={"column": "t", "kind": kind})
        records, _ = read([path], schema)
        assert len(records) <= len(rows)
        assert np.isfinite(records.visits["time"]).all()
        assert not np.isinf(records.visits[["n", "k"]].to_numpy(dtype=float)).any()
