"""What is written is read again as it was; a spreadsheet runs none of it; all files or none."""

import csv
import errno

import numpy as np
import pandas as pd
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from dpsynth.data.codec import Tokens, codec
from dpsynth.data.reader import read
from dpsynth.data.records import Records
from dpsynth.data.spreadsheet import neutral, original
from dpsynth.data.writer import write
from dpsynth.errors import DataError
from dpsynth.schema import Schema

COLUMNS = {
    "age": {"type": "number", "bounds": [0, 100], "per": "patient"},
    "sex": {"type": "boolean", "categories": ["M", "F"], "per": "patient"},
    "hr": {"type": "number", "bounds": [0, 250], "bins": 7},
    "n": {"type": "count", "bounds": [0, 50]},
    "drug": {"type": "category", "categories": ["=cmd()", "-1", "@x", "1", "No"], "other": True},
    "icu": {"type": "boolean"},
}
PEOPLE = {
    "shape": "static",
    "key": "pid",
    "columns": {"race": {"type": "category", "categories": ["a", "b"]}, "ok": {"type": "boolean"}},
}
GAP = {"type": "number", "bounds": [0, 30], "bins": 5}
VISITS = {"shape": "visits", "key": "pid", "columns": COLUMNS}
EVENTS = {
    "shape": "events",
    "key": "pid",
    "code": "code",
    "number": "value",
    "every": "6h",
    "columns": {
        "HR": {"type": "number", "bounds": [0, 250]},
        "seen": {"type": "boolean", "value": "count"},
        "n": {"type": "count", "bounds": [0, 9], "value": "count", "source": "drug given"},
        "sex": {"type": "boolean", "per": "patient"},
    },
}
HOURS = {"column": "t", "unit": "hours"}
FORMS = {
    "static": {"people": PEOPLE},
    "number": {"v": {**VISITS, "time": {"column": "t", "gap": GAP, "start": GAP}}},
    "order": {"v": {**VISITS, "time": {"column": "t", "kind": "order"}}, "people": PEOPLE},
    "dates": {"v": {**VISITS, "time": {"column": "t", "kind": "date"}}},
    "grid": {"e": {**EVENTS, "time": HOURS, "span": "2d", "empty": "keep"}},
    "grid and people": {
        "people": PEOPLE,
        "e": {**EVENTS, "time": HOURS, "span": "2d", "empty": "keep"},
    },
    "grid of dates": {
        "e": {
            **EVENTS,
            "time": {"column": "t", "kind": "date", "unit": "hours"},
            "span": "2d",
            "empty": "keep",
        }
    },
    "windows of dates": {"e": {**EVENTS, "time": {"column": "t", "kind": "date"}}},
    "windows": {"e": {**EVENTS, "time": {**HOURS, "gap": {**GAP, "type": "count"}}}},
}


def schema_of(form: str) -> Schema:
    grid = "keep" in str(FORMS[form])
    return Schema(name="test", tables=FORMS[form], **({} if grid else {"max_visits": 5}))


def synthetic(schema: Schema, patients: int = 40) -> Records:
    """Random tokens, decoded as a generator's are; some histories are empty."""
    rng = np.random.default_rng(1)
    book = codec(schema)
    length = rng.integers(0, book.max_visits + 1, patients)
    if any(t.empty == "keep" for t in schema.tables.values()):
        length = np.where(length > 0, book.max_visits, 0)
    static = np.stack([rng.integers(0, f.size, patients) for f in book.static], 1)
    shape = (patients, book.max_visits)
    visits = [rng.integers(0, f.size, shape) for f in book.visit]
    visits = np.stack(visits, 2) if visits else np.zeros((*shape, 0), dtype=int)
    return book.decode(Tokens(static=static, visits=visits, length=length), rng)


def windowed(records: Records, schema: Schema) -> Records:
    """Times of windows as the reader gives them: a grid counts, the rest are window starts."""
    visits = records.visits.copy()
    for table in schema.tables.values():
        if table.shape == "events" and table.empty == "drop":
            turn = visits.groupby("patient").cumcount().to_numpy()
            late = visits["patient"].to_numpy() % 2 if table.time.kind == "number" else 0
            visits["time"] = (turn * 3 + late) * table.window  # dates start at the first visit
        elif table.shape == "events":
            visits["time"] = visits.groupby("patient").cumcount().astype(float)
        for name, column in table.columns.items():
            if column.value == "count":
                empty = "false" if column.type == "boolean" else 0.0
                visits[name] = visits[name].where(visits[name].notna(), empty)
    return Records(records.keys, records.static, visits)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("form", FORMS)
def test_what_is_written_is_read_again_by_the_same_schema(tmp_path, same, form, ending):
    schema = schema_of(form)
    records = windowed(synthetic(schema), schema)
    paths = write(records, schema, tmp_path / "out", ending)
    assert [p.name for p in paths] == [f"{name}.{ending}" for name in schema.tables]
    again, notes = read([tmp_path / "out"], schema)
    assert {what for _, what in notes.counts} <= {"rows without a time (no visit)"}
    if form == "dates":  # dates hold microseconds
        pd.testing.assert_frame_equal(again.visits, records.visits, rtol=0, atol=1e-9)
        again = Records(again.keys, again.static, records.visits)
    same(again, records)


def test_integers_booleans_and_missing_are_written_plainly(tmp_path):
    schema = schema_of("number")
    static = pd.DataFrame({"age": [50.0, np.nan], "sex": ["true", None]})
    visit = {"hr": 80.5, "n": 3.0, "drug": "No", "icu": "false"}
    none = dict.fromkeys(visit)
    visits = pd.DataFrame(
        [{"patient": 1, "time": 2.0, **visit}, {"patient": 1, "time": 3.0, **none}]
    )
    visits = visits.astype({"hr": float, "n": float})
    records = Records(np.array(["7", "8"], dtype=object), static, visits)
    (path,) = write(records, schema, tmp_path)
    assert list(csv.reader(path.read_text().splitlines())) == [
        ["pid", "t", "age", "sex", "hr", "n", "drug", "icu"],
        ["7", "", "50", "F", "", "", "", ""],
        ["8", "2", "", "", "80.5", "3", "No", "false"],
        ["8", "3", "", "", "", "", "", ""],
    ]
    (path,) = write(records, schema, tmp_path / "p", "parquet")
    stored = {f.name: str(f.type) for f in pq.read_schema(path)}
    assert (stored["pid"], stored["n"], stored["icu"]) == ("int64", "int64", "bool")


def test_a_grid_is_written_with_the_time_of_its_windows(tmp_path):
    schema = schema_of("grid")
    write(windowed(synthetic(schema), schema), schema, tmp_path)
    frame = pd.read_csv(tmp_path / "e.csv")
    assert sorted(frame["t"].dropna().unique()) == [0, 6, 12, 18, 24, 30, 36, 42]
    assert list(frame.columns) == ["pid", "t", "HR", "seen", "drug given", "sex"]


def test_dates_start_on_a_public_day(tmp_path):
    schema = schema_of("dates")
    records = synthetic(schema)
    records.visits["time"] = records.visits["time"].round()
    (path,) = write(records, schema, tmp_path)
    first = pd.read_csv(path).groupby("pid")["t"].min().dropna()
    assert set(first) == {"2000-01-01"}


def test_a_spreadsheet_runs_nothing(tmp_path):
    schema = schema_of("number")
    (path,) = write(synthetic(schema, 200), schema, tmp_path)
    with path.open() as file:
        cells = {cell for row in csv.reader(file) for cell in row}
    assert {"'=cmd()", "'@x", "-1"} <= cells
    assert not any(c.startswith(("=", "+", "@", "\t", "\r")) for c in cells)


@pytest.mark.parametrize("text", ["=1+1", "+x", "-x", "@SUM(A1)", "\tx", "\rx"])
def test_active_text_is_neutralised_and_restored(text):
    assert neutral(text) == "'" + text
    assert original(neutral(text)) == text


@pytest.mark.parametrize("text", ["-1", "+3.5", "1e5", "-1e-5", "plain", "'quoted'", "", "'"])
def test_harmless_text_is_left_alone(text):
    assert neutral(text) == text
    assert original(text) == text


@pytest.mark.parametrize("before", [False, True])
def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch, before):
    schema = schema_of("order")
    folder = tmp_path / "out"
    if before:
        folder.mkdir()
    calls = []

    def full(table, path):
        calls.append(path)
        path.write_bytes(b"half a file")
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pacsv, "write_csv", full)
    with pytest.raises(DataError, match="the disk is full") as caught:
        write(synthetic(schema), schema, folder)
    assert "\n" not in str(caught.value)
    assert len(calls) == 2
    assert folder.exists() == before
    assert not before or list(folder.iterdir()) == []


def test_an_interrupt_leaves_no_part(tmp_path, monkeypatch):
    def stop(table, path):
        raise KeyboardInterrupt

    monkeypatch.setattr(pacsv, "write_csv", stop)
    schema = schema_of("static")
    with pytest.raises(KeyboardInterrupt):
        write(synthetic(schema), schema, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_same_table_in_another_format_is_refused(tmp_path):
    schema = schema_of("static")
    records = synthetic(schema)
    write(records, schema, tmp_path)
    write(records, schema, tmp_path)  # again is fine
    with pytest.raises(DataError, match="holds the same table already"):
        write(records, schema, tmp_path, "parquet")


def test_a_file_in_place_of_the_folder_is_one_line(tmp_path):
    schema = schema_of("static")
    (tmp_path / "out").write_text("x")
    with pytest.raises(DataError, match="it is a file, not a folder"):
        write(synthetic(schema), schema, tmp_path / "out")


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(ValueError, match="csv or parquet, got 'xls'"):
        write(synthetic(schema_of("static")), schema_of("static"), tmp_path, "xls")
