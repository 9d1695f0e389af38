"""An event stream to visits: each window of time sums up the events of each code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dpsynth.data.cells import distinct, floats, named, numbers
from dpsynth.data.notes import Notes
from dpsynth.data.rows import Rows
from dpsynth.schema import Column, Kind, Table


@dataclass(frozen=True, kw_only=True)
class Events:
    """Rows of an events table whose code is declared. Private.

    Attributes:
        patient: position of each row's patient.
        time: in the clock's unit since its origin; NaN is a static row.
        code: position in the table's columns.
        number: numeric value, NaN if none.
        text: position of the value in `texts`, where values are text; -1 is null.
        texts: distinct values.
    """

    patient: np.ndarray
    time: np.ndarray
    code: np.ndarray
    number: np.ndarray
    text: np.ndarray | None = None
    texts: tuple[Any, ...] = ()

    def of(self, code: int) -> Events:
        """Only that code's rows."""
        rows = np.flatnonzero(self.code == code)
        return self.rows(rows)

    def rows(self, rows: np.ndarray) -> Events:
        """Only those rows."""
        return Events(
            patient=self.patient[rows],
            time=self.time[rows],
            code=self.code[rows],
            number=self.number[rows],
            text=None if self.text is None else self.text[rows],
            texts=self.texts,
        )


def window_of(time: np.ndarray, table: Table) -> np.ndarray:
    """The window of each time, -1 where there is none: before 0, past the span, no time."""
    place = np.floor(np.nan_to_num(time, nan=-1.0) / table.window + 1e-9)
    inside = (place >= 0) & (place < (table.windows or 2**40))
    return np.where(inside, place, -1).astype(np.int64)


def summed(
    group: np.ndarray, time: np.ndarray, value: np.ndarray, how: str
) -> tuple[np.ndarray, np.ndarray]:
    """Groups that occur, and each group's mean, last, ... value.

    Rows are sorted first, by group, time and value, so that the order of the file and other
    patients' rows change nothing, not even a sum's last bit.
    """
    known = np.ones(len(value), dtype=bool) if how == "count" else ~np.isnan(value)
    group, time, value = group[known], time[known], value[known]
    order = np.lexsort((value, time, group))
    group, value = group[order], value[order]
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    if len(starts) == 0:
        return group, value
    sizes = np.diff(starts, append=len(group))
    if how == "first":
        found = value[starts]
    elif how == "last":
        found = value[starts + sizes - 1]
    elif how == "count":
        found = sizes.astype(np.float64)
    elif how in ("min", "max"):
        found = (np.minimum if how == "min" else np.maximum).reduceat(value, starts)
    else:
        found = np.add.reduceat(value, starts)
        found = found / sizes if how == "mean" else found
    return group[starts], found


def how_of(column: Column, default: str) -> str:
    """How a column is summed up: as it says, else a category's last value, else the default."""
    if column.value is not None:
        return column.value
    return "last" if column.type in (Kind.CATEGORY, Kind.BOOLEAN) and default == "mean" else default


def blank(column: Column) -> float | str | None:
    """What a group without events holds: nothing, but none counted is a fact."""
    if column.value != "count":
        return nothing(column)
    return "false" if column.type is Kind.BOOLEAN else 0.0


def nothing(column: Column) -> float | None:
    """How the records hold a missing value of this column."""
    return None if column.type in (Kind.CATEGORY, Kind.BOOLEAN) else np.nan


def sum_up(
    events: Events, group: np.ndarray, column: Column, how: str, place: str, notes: Notes
) -> pd.Series:
    """One code's clean value in each group that has one, by group."""
    if column.type is Kind.BOOLEAN and how == "count":
        return pd.Series("true", index=np.unique(group), dtype=object)
    time = np.nan_to_num(events.time, nan=-np.inf)  # static rows come first
    if column.type in (Kind.CATEGORY, Kind.BOOLEAN):
        index, texts = events.text, list(events.texts)
        if index is None:
            uniques, index = np.unique(events.number, return_inverse=True)
            texts = [float(u) for u in uniques if not np.isnan(u)]
            index = np.where(np.isnan(events.number), -1, index)
        values = named(index, texts, column, place, notes)
        codes, names = pd.factorize(values, sort=True)
        at, found = summed(group, time, np.where(codes < 0, np.nan, codes), how)
        return pd.Series(np.asarray(names, dtype=object)[found.astype(int)], index=at, dtype=object)
    late = how in ("sum", "count")
    bare = column.model_copy(update={"bounds": None}) if late else column
    value = numbers(events.number, bare, place, notes)
    at, found = summed(group, time, value, how)
    rule = column.model_copy(update={"missing_values": ()})
    return pd.Series(numbers(found, rule, place, notes) if late else found, index=at)


def windowed(events: Events, table: Table, prefix: str, notes: Notes) -> pd.DataFrame:
    """Visits of an events table: "patient", "window" and the per-visit columns."""
    place = window_of(events.time, table)
    codes = [i for i, c in enumerate(table.columns.values()) if table.level(c) == "visit"]
    wanted = np.isin(events.code, codes)
    notes.add(prefix, "events outside the windows (dropped)", (wanted & (place < 0)).sum())
    kept = np.flatnonzero(wanted & (place >= 0))
    events, place = events.rows(kept), place[kept]
    width = table.windows or (int(place.max()) + 1 if len(place) else 1)
    group = events.patient * width + place
    if table.empty == "keep":
        who = np.unique(events.patient)
        visits = (who[:, None] * width + np.arange(width)[None, :]).ravel()
    else:
        visits = np.unique(group)
    found: dict[str, Any] = {"patient": visits // width, "window": visits % width}
    for code, (name, column) in enumerate(table.columns.items()):
        if code not in codes or name not in table.modelled:
            continue
        rows = np.flatnonzero(events.code == code)
        how = how_of(column, "mean")
        each = sum_up(
            events.rows(rows), group[rows], column, how, f"{prefix}.columns.{name}", notes
        )
        found[name] = spread(each, visits, column)
    return pd.DataFrame(found)


def spread(each: pd.Series, groups: np.ndarray, column: Column) -> np.ndarray:
    """A value for every group, blank where it has none."""
    text = column.type in (Kind.CATEGORY, Kind.BOOLEAN)
    out = np.full(len(groups), blank(column), dtype=object if text else np.float64)
    out[np.searchsorted(groups, each.index.to_numpy())] = each.to_numpy()
    return out


def events_to_visits(
    rows_: Rows, patient: np.ndarray, time: np.ndarray | None, n: int, notes: Notes
) -> tuple[dict[str, np.ndarray], pd.DataFrame | None]:
    """Facts of each patient, and visits ("patient", "time", columns), of an event stream."""
    table, prefix = rows_.table, f"tables.{rows_.name}"
    assert time is not None and rows_.code is not None
    modelled = table.modelled
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
        if name not in table.modelled or table.level(column) != "patient":
            continue
        part = events.of(code)
        how = how_of(column, "first")
        each = sum_up(part, part.patient, column, how, f"{prefix}.columns.{name}", notes)
        facts[name] = spread(each, np.arange(n), column)
    return facts
