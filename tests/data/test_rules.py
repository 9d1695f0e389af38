"""Rules and formulas over a few patients, worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dpsynth.data.reader import read
from dpsynth.data.records import Records
from dpsynth.data.rules import View, broken
from dpsynth.data.writer import arrow, write
from dpsynth.schema import Schema

NAN = np.nan


def clinic(rules: tuple[str, ...] = (), **formulas: dict[str, str]) -> Schema:
    number = {"type": "number", "bounds": [0, 1000]}
    return Schema(
        name="clinic",
        max_visits=9,
        rules=rules,
        tables={
            "people": {"shape": "static", "key": "pid", "columns": {
                "onset": number, "sex": {"type": "category", "categories": ["f", "m"]}}},
            "visits": {"shape": "visits", "key": "pid", "time": {"column": "day"}, "columns": {
                "a": number, "b": number, "on": {"type": "boolean"}, **formulas}},
        },
    )  # fmt: skip


def patients(*visits: list[tuple], onset: list[float] | None = None) -> Records:
    """Patients with visits (a, b, on)."""
    rows = [(p, day, *visit) for p, each in enumerate(visits) for day, visit in enumerate(each)]
    frame = pd.DataFrame(rows, columns=["patient", "time", "a", "b", "on"])
    frame = frame.astype({"patient": int, "time": float, "a": float, "b": float, "on": object})
    n = len(visits)
    sex = np.array(["f", "m"] * n, dtype=object)[:n]
    static = pd.DataFrame({"onset": onset or [NAN] * n, "sex": sex})
    return Records(np.arange(n).astype(str).astype(object), static, frame)


def who(rule: str, records: Records, **formulas: dict[str, str]) -> list[bool]:
    return broken(records, clinic((rule,), **formulas))[rule].tolist()


def test_a_trend_looks_at_known_values_of_one_patient():
    made = patients(
        [(1, 0, None), (1, 0, None), (2, 0, None)],
        [(5, 0, None), (NAN, 0, None), (4, 0, None)],  # falls, over a missing value
        [(3, 0, None)],  # below the patient before, which is another patient
        [],
        [(NAN, 0, None), (NAN, 0, None)],
    )
    assert who("a never falls", made) == [False, True, False, False, False]
    assert who("a never rises", made) == [True, False, False, False, False]


def test_a_boolean_that_never_falls_stays_true():
    made = patients(
        [(0, 0, "false"), (0, 0, "true"), (0, 0, None), (0, 0, "true")],
        [(0, 0, "true"), (0, 0, None), (0, 0, "false")],
    )
    assert who("on never falls", made) == [False, True]
    assert who("on never rises", made) == [True, False]


def test_a_comparison_holds_at_every_visit_and_about_missing_values():
    made = patients(
        [(1, 2, None), (3, 3, None)],
        [(1, 2, None), (4, 3, None)],
        [(NAN, 2, None), (4, NAN, None)],
        [],
    )
    assert who("a <= b", made) == [False, True, False, False]
    assert who("a < b", made) == [True, True, False, False]
    assert who("0 < a <= b < 3", made) == [True, True, False, False]
    assert who("a != 4", made) == [False, True, True, False]


def test_facts_of_the_patient_are_compared_with_each_visit():
    made = patients(
        [(1, 0, None), (9, 0, None)], [(1, 0, None)], [], [(0, 0, None)], onset=[2, 1, 5, NAN]
    )
    assert who("onset <= a", made) == [True, False, False, False]
    assert who("onset < 5", made) == [False, False, True, False]
    assert who("sex == 'f'", made) == [False, True, False, True]


def test_no_visit_follows_the_last():
    made = patients(
        [(0, 0, "false"), (0, 0, "true")],
        [(0, 0, "true"), (0, 0, "false")],
        [(0, 0, "true")],
        [(0, 0, None), (0, 0, None)],  # unknown: the rule holds
        [],
    )
    assert who("no visit after on == true", made) == [False, True, False, False, False]
    assert who("no visit after on != true", made) == [True, False, False, False, False]


@pytest.mark.parametrize(
    ("formula", "found"),
    [
        ("a / b", [0.5, NAN, NAN]),  # 1/2, 4/0, missing/3
        ("-a + 2 * b - 1", [2, -5, NAN]),
        ("a - (b - 1)", [0, 5, NAN]),
        ("onset + a", [8, 11, NAN]),
    ],
)
def test_a_formula_is_arithmetic_and_missing_where_a_part_is(formula, found):
    made = patients([(1, 2, None), (4, 0, None), (NAN, 3, None)], onset=[7])
    view = View(made, clinic(x={"type": "number", "formula": formula}))
    np.testing.assert_array_equal(view.values("x", "visit"), found)


def test_a_computed_count_is_whole_and_a_computed_boolean_may_be_missing():
    made = patients([(1, 2, None), (4, 0, None), (NAN, 3, None)])
    view = View(made, clinic(x={"type": "count", "formula": "a / 3 + b"},
                             y={"type": "boolean", "formula": "a > b"}))  # fmt: skip
    np.testing.assert_array_equal(view.values("x", "visit"), [2, 1, NAN])
    assert view.values("y", "visit").tolist() == ["false", "true", None]


def test_a_rule_sees_what_a_formula_makes():
    made = patients([(1, 2, None)], [(4, 1, None)], [(NAN, 1, None)])
    x = {"type": "number", "formula": "a + b"}
    assert who("x <= 3", made, x=x) == [False, True, False]


def test_computed_columns_are_written_and_dropped_when_read(tmp_path):
    made = patients([(1, 2, "true"), (4, 0, None)], [(NAN, 3, "false")], [], onset=[7, 8, 9])
    schema = clinic(
        x={"type": "number", "formula": "a + onset"}, y={"type": "boolean", "formula": "a > b"}
    )
    table = arrow(made, schema, "visits")
    assert table["x"].to_pylist() == [8, 11, None]
    assert table["y"].to_pylist() == [False, True, None]
    again, notes = read(write(made, schema, tmp_path), schema)
    assert "x" not in again.visits and not notes.columns
    pd.testing.assert_frame_equal(again.visits, made.visits, check_dtype=False)


@pytest.mark.parametrize("cell", ["1e20", "nonsense", ""])
def test_what_a_file_holds_in_a_computed_column_changes_nothing(tmp_path, cell):
    schema = clinic(x={"type": "number", "formula": "a + b"})
    (tmp_path / "people.csv").write_text("pid,onset,sex\n1,3,f\n")
    texts = ("pid,day,a,b,on\n1,0,1,2,true\n", f"pid,day,a,b,on,x\n1,0,1,2,true,{cell}\n")
    frames = []
    for text in texts:
        (tmp_path / "visits.csv").write_text(text)
        frames.append(read([tmp_path], schema)[0].visits)
    pd.testing.assert_frame_equal(*frames)


def test_a_computed_column_of_an_event_stream_is_written_and_dropped(tmp_path):
    number = {"type": "number", "bounds": [0, 100], "value": "last"}
    schema = Schema(
        name="icu",
        tables={"e": {"shape": "events", "key": "pid", "time": {"column": "t", "unit": "hours"},
                      "code": "code", "number": "value", "every": "6h", "span": "12h",
                      "columns": {"a": number, "b": number,
                                  "x": {"type": "number", "formula": "a + b"}}}},
    )  # fmt: skip
    (tmp_path / "e.csv").write_text("pid,t,code,value\n1,0,a,3\n1,0,b,4\n1,1,x,99\n1,7,a,5\n")
    made, _ = read([tmp_path / "e.csv"], schema)
    assert list(made.visits) == ["patient", "time", "a", "b"]
    assert arrow(made, schema, "e")["x"].to_pylist() == [7, None]
    again, _ = read(write(made, schema, tmp_path / "out"), schema)
    pd.testing.assert_frame_equal(again.visits, made.visits)
