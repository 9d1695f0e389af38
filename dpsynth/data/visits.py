"""Rows to facts and visits: static tables, visits tables, and events written one row a window."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from dpsynth.data.cells import clean
from dpsynth.data.notes import Notes
from dpsynth.data.picture_rows import PICTURE
from dpsynth.data.rows import Rows
from dpsynth.data.windows import blank, window_of
from dpsynth.schema import Column, Kind, Table


def rows_to_visits(
    rows_: Rows, patient: np.ndarray, time: np.ndarray | None, n: int, notes: Notes
) -> tuple[dict[str, np.ndarray], pd.DataFrame | None]:
    """Facts of each patient, and visits ("patient", "time", columns) unless the table is static."""
    table, prefix = rows_.table, f"tables.{rows_.name}"
    found: dict[str, Any] = {"patient": patient}
    if time is not None:
        found["time"] = time
    modelled = table.modelled
    if table.picture is not None:
        found[PICTURE] = rows_.pictures()
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
        [pd.Index(who), pd.Index(np.arange(float(table.windows or 1)))], names=["patient", "time"]
    )
    whole = visits.set_index(["patient", "time"]).reindex(grid).reset_index()
    for name, column in table.columns.items():
        if name in whole:
            whole[name] = filled(whole[name], blank(column))
    return whole


def filled(values: pd.Series, empty: float | str | None) -> np.ndarray:
    """The column as records hold it, with `empty` for what is missing."""
    if isinstance(empty, float):
        return values.to_numpy(dtype=np.float64, na_value=empty)
    cells = values.to_numpy(dtype=object, copy=True)
    cells[values.isna().to_numpy()] = empty
    return cells
