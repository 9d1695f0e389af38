"""Files to canonical records, as the schema says.

Guarantee:
    What a patient's records become depends on that patient's rows and the schema alone: not on
    other patients, nor on the order of rows or files. No value raises an error (unless the
    schema says `strict: true`); only files and column names do.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dpsynth.data.cells import clean, distinct, floats
from dpsynth.data.files import matched
from dpsynth.data.notes import Notes
from dpsynth.data.records import Records
from dpsynth.data.rows import Rows, rows
from dpsynth.data.times import since
from dpsynth.data.windows import Events, blank, how_of, spread, sum_up, window_of, windowed
from dpsynth.schema import Column, Kind, Schema, Table


def read(paths: Sequence[str | Path], schema: Schema) -> tuple[Records, Notes]:
    """The records in those files, and what reading changed.

    Args:
        paths: CSV (also .csv.gz) or Parquet files, folders of them, or `table=path`.
        schema: what the data are.

    Returns:
        Records in the order of their keys as text, and notes for the steward's terminal.

    Raises:
        DataError: if a file is missing, broken or fits no table, or on `strict: true`.
        SchemaError: if a file's columns are not those of the schema.
    """
    notes = Notes()
    files = matched(paths, schema)
    tables = [rows(name, schema.tables[name], files[name], notes) for name in schema.tables]
    keys = np.array(sorted({k for t in tables for k in _used(t)}), dtype=object)
    places = {key: place for place, key in enumerate(keys)}
    patients = [
        np.array([places.get(k, -1) for k in t.keys], dtype=np.int64)[t.key] for t in tables
    ]
    times = _relative(tables, patients, len(keys))
    facts: dict[str, np.ndarray] = {}
    visits: list[pd.DataFrame] = []
    for table, patient, time in zip(tables, patients, times, strict=True):
        if table.code is not None:
            new, frame = _events(table, patient, time, len(keys), notes)
        else:
            new, frame = _cells(table, patient, time, len(keys), notes)
        facts |= new
        if frame is not None:
            visits.append(frame)
    if schema.strict:
        notes.stop_if_any()
    static = {name: facts[name] for name in schema.columns("patient")}
    return Records(
        keys, pd.DataFrame(static, index=range(len(keys))), _joined(visits, schema)
    ), notes


def _used(table: Rows) -> list[str]:
    """Keys that occur: a key whose every row was dropped for its code still does."""
    return [table.keys[place] for place in np.unique(table.key)]


def _relative(
    tables: Sequence[Rows], patients: Sequence[np.ndarray], n: int
) -> list[np.ndarray | None]:
    """Times in the clock's unit; dates become time since the patient's first visit anywhere."""
    origin = np.full(n, np.inf)
    dated = [t.table.time is not None and t.table.time.kind == "date" for t in tables]
    for table, patient, is_date in zip(tables, patients, dated, strict=True):
        if is_date and table.time is not None:
            counts = ~np.isnan(table.time) & _of_visits(table)
            np.minimum.at(origin, patient[counts], table.time[counts])
    out: list[np.ndarray | None] = []
    for table, patient, is_date in zip(tables, patients, dated, strict=True):
        if is_date and table.time is not None and table.table.time is not None:
            base = origin[patient]
            time = since(table.time, np.where(np.isinf(base), np.nan, base), table.table.time)
            out.append(time)
        else:
            out.append(table.time)
    return out


def _of_visits(table: Rows) -> np.ndarray:
    """Rows that belong to a visit: in events, those of a per-visit code (a birth is none)."""
    if table.code is None:
        return np.ones(len(table.key), dtype=bool)
    levels = [table.table.level(c) == "visit" for c in table.table.columns.values()]
    return np.array([*levels, False])[table.code]


def _events(
    rows_: Rows, patient: np.ndarray, time: np.ndarray | None, n: int, notes: Notes
) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    table, prefix = rows_.table, f"tables.{rows_.name}"
    assert time is not None and rows_.code is not None
    modelled = {k: c for k, c in table.columns.items() if not c.identifier}
    numeric = np.full(len(patient), np.nan)
    text: tuple[np.ndarray | None, tuple[Any, ...]] = (None, ())
    if table.number is not None:
        column = rows_.frame.column(table.number)
        numeric = floats(column)
        if any(c.type in (Kind.CATEGORY, Kind.BOOLEAN) for c in modelled.values()):
            index, values = distinct(column)
            text = (index, tuple(values))
    events = Events(
        patient=patient, time=time, code=rows_.code, number=numeric, text=text[0], texts=text[1]
    )
    visits = windowed(events, table, prefix, notes)
    visits["time"] = visits.pop("window") * (1.0 if table.empty == "keep" else table.window)
    return _patient_codes(events, table, n, prefix, notes), visits


def _patient_codes(
    events: Events, table: Table, n: int, prefix: str, notes: Notes
) -> dict[str, np.ndarray]:
    facts = {}
    for code, (name, column) in enumerate(table.columns.items()):
        if column.identifier or table.level(column) != "patient":
            continue
        part = events.of(code)
        how = how_of(column, "first")
        each = sum_up(part, part.patient, column, how, f"{prefix}.columns.{name}", notes)
        facts[name] = spread(each, np.arange(n), column)
    return facts


def _cells(
    rows_: Rows, patient: np.ndarray, time: np.ndarray | None, n: int, notes: Notes
) -> tuple[dict[str, np.ndarray], pd.DataFrame | None]:
    """Static and visits tables, and events that are written as one row per window."""
    table, prefix = rows_.table, f"tables.{rows_.name}"
    found: dict[str, Any] = {"patient": patient}
    if time is not None:
        found["time"] = time
    modelled = {k: c for k, c in table.columns.items() if not c.identifier}
    for name, column in modelled.items():
        found[name] = clean(rows_.column(name), column, f"{prefix}.columns.{name}", notes)
    order = ["patient"] if time is None else ["patient", "time"]
    frame = _sorted(pd.DataFrame(found), order, prefix, notes)
    level = {name: table.level(column) for name, column in modelled.items()}
    facts = {
        name: _first(frame, name, column, n, known=time is not None)
        for name, column in modelled.items()
        if level[name] == "patient"
    }
    if time is None:
        return facts, None
    timeless = frame["time"].isna()
    notes.add(prefix, "rows without a time (no visit)", timeless.sum())
    visits = frame.loc[~timeless, [c for c in frame if level.get(str(c), "visit") == "visit"]]
    if table.shape == "events":
        visits = _gridded(visits, table, prefix, notes)
    return facts, visits.reset_index(drop=True)


def _sorted(frame: pd.DataFrame, order: list[str], prefix: str, notes: Notes) -> pd.DataFrame:
    """Rows in an order that the file's order has no part in; identical rows once."""
    tied = frame.duplicated(order, keep=False)
    if tied.any():
        ties = frame[tied].sort_values([str(c) for c in frame.columns], kind="stable")
        same = ties.duplicated()
        notes.add(prefix, "identical rows (dropped)", same.sum())
        frame = pd.concat([frame[~tied], ties[~same]])
        if order == ["patient"]:
            again = frame.duplicated(order)
            notes.add(prefix, "more rows of a patient (dropped)", again.sum())
            frame = frame[~again]
    return frame.sort_values(order, kind="stable", na_position="first").reset_index(drop=True)


def _first(frame: pd.DataFrame, name: str, column: Column, n: int, *, known: bool) -> np.ndarray:
    """Each patient's first value in time order (first known one), blank without rows."""
    rows_ = frame[["patient", name]]
    rows_ = rows_[rows_[name].notna()] if known else rows_
    rows_ = rows_.drop_duplicates("patient")
    text = column.type in (Kind.CATEGORY, Kind.BOOLEAN)
    out = np.full(n, None if text else np.nan, dtype=object if text else np.float64)
    out[rows_["patient"].to_numpy()] = rows_[name].to_numpy()
    return out


def _gridded(visits: pd.DataFrame, table: Table, prefix: str, notes: Notes) -> pd.DataFrame:
    """Rows of one window each, on the table's windows."""
    place = window_of(visits["time"].to_numpy(), table)
    notes.add(prefix, "rows outside the windows (dropped)", (place < 0).sum())
    visits = visits.assign(time=place.astype(np.float64))[place >= 0]
    visits = visits.drop_duplicates(["patient", "time"])
    if table.empty == "drop":
        return visits.assign(time=visits["time"] * table.window)
    who = visits["patient"].unique()
    grid = pd.MultiIndex.from_product(
        [who, np.arange(float(table.windows or 1))], names=["patient", "time"]
    )
    whole = visits.set_index(["patient", "time"]).reindex(grid).reset_index()
    for name, column in table.columns.items():
        if name in whole:
            whole[name] = _filled(whole[name], column)
    return whole


def _filled(values: pd.Series, column: Column) -> pd.Series:
    empty = blank(column)
    if empty is None or empty != empty:  # noqa: PLR0124 - NaN
        return values.astype(object).where(values.notna(), None) if empty is None else values
    return values.where(values.notna(), empty)


def _joined(visits: Sequence[pd.DataFrame], schema: Schema) -> pd.DataFrame:
    """All tables' visits side by side, joined by patient and time."""
    columns = schema.columns("visit")
    whole: pd.DataFrame | None = None
    for frame in visits:
        turn = frame.groupby(["patient", "time"], sort=False).cumcount()
        each = frame.assign(turn=turn.to_numpy())
        on = ["patient", "time", "turn"]
        whole = each if whole is None else whole.merge(each, how="outer", on=on)
    if whole is None:
        whole = pd.DataFrame({"patient": [], "time": [], "turn": []})
    whole = whole.sort_values(["patient", "time", "turn"], kind="stable").reset_index(drop=True)
    counted = {
        name: column
        for table in schema.tables.values()
        if table.shape == "events"
        for name, column in table.columns.items()
    }
    out: dict[str, Any] = {
        "patient": whole["patient"].to_numpy(dtype=np.int64),
        "time": whole["time"].to_numpy(dtype=np.float64),
    }
    clock = schema.clock
    if clock is not None and clock.kind == "order":
        out["time"] = whole.groupby("patient").cumcount().to_numpy(dtype=np.float64)
    for name, column in columns.items():
        values = _filled(whole[name], column) if name in counted else whole[name]
        if column.type in (Kind.CATEGORY, Kind.BOOLEAN):
            values = values.astype(object).where(values.notna(), None)
        out[name] = values
    return pd.DataFrame(out)
