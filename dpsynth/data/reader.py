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

from dpsynth.data.files import matched
from dpsynth.data.notes import Notes
from dpsynth.data.picture_rows import PICTURE, with_pictures
from dpsynth.data.records import Records
from dpsynth.data.rows import Rows, rows
from dpsynth.data.times import since
from dpsynth.data.visits import filled, rows_to_visits
from dpsynth.data.windows import blank, events_to_visits, nothing
from dpsynth.schema import Schema


def read(
    paths: Sequence[str | Path], schema: Schema, *, incomplete: bool = False
) -> tuple[Records, Notes]:
    """The records in those files, and what reading changed.

    Args:
        paths: CSV (also .csv.gz) or Parquet files, folders of them, or `table=path`.
        schema: what the data are.
        incomplete: whether files may lack columns, which are then missing everywhere, and have
            others, which are left out, as somebody's copy may; both are noted. Keys, times and
            codes can't be absent.

    Returns:
        Records in the order of their keys (shorter ones first, so that 9 precedes 10), and
        notes for the steward's terminal.

    Raises:
        DataError: if a file is missing, broken or fits no table, or on `strict: true`.
        SchemaError: if a file's columns are not those of the schema.
    """
    notes = Notes()
    files = matched(paths, schema)
    tables = [
        rows(name, schema.tables[name], files[name], notes, incomplete) for name in schema.tables
    ]
    found = {key for table in tables for key in _used(table)}
    keys = np.array(sorted(found, key=lambda key: (len(key), key)), dtype=object)
    places = {key: place for place, key in enumerate(keys)}
    patients = [
        np.array([places.get(k, -1) for k in t.keys], dtype=np.int64)[t.key] for t in tables
    ]
    times = _relative(tables, patients, len(keys))
    facts: dict[str, np.ndarray] = {}
    visits: list[pd.DataFrame] = []
    for table, patient, time in zip(tables, patients, times, strict=True):
        translate = rows_to_visits if table.code is None else events_to_visits
        new, frame = translate(table, patient, time, len(keys), notes)
        facts |= new
        if frame is not None:
            visits.append(frame)
    if schema.strict:
        notes.stop_if_any()
    static = {name: facts[name] for name in schema.columns("patient")}
    whole = Records(keys, pd.DataFrame(static, index=range(len(keys))), _joined(visits, schema))
    return with_pictures(whole, files, schema, notes), notes


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
    counted = {c for t in schema.tables.values() if t.shape == "events" for c in t.columns}
    out: dict[str, Any] = {
        "patient": whole["patient"].to_numpy(dtype=np.int64),
        "time": whole["time"].to_numpy(dtype=np.float64),
    }
    clock = schema.clock
    if clock is not None and clock.kind == "order":
        out["time"] = whole.groupby("patient").cumcount().to_numpy(dtype=np.float64)
    if PICTURE in whole:
        out[PICTURE] = filled(whole[PICTURE], "")
    for name, column in columns.items():
        empty = blank(column) if name in counted else nothing(column)
        out[name] = filled(whole[name], empty)
    return pd.DataFrame(out)
