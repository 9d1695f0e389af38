"""Records to files in the shape of the schema's tables, all of them or none.

Visits and windows of events are written as one row each ("wide" events: key, time of the
window's start, one column per code); `dpsynth.data.reader` tells either form by its header, so
the same schema reads what was written.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from dpsynth.data.picture_writer import (
    Form,
    came_as,
    picture_names,
    table_of_npz,
    write_pictures,
)
from dpsynth.data.raw import SUFFIXES
from dpsynth.data.records import Records
from dpsynth.data.rules import View
from dpsynth.data.spreadsheet import neutral
from dpsynth.errors import DataError
from dpsynth.schema import Clock, Column, Kind, Schema, Table
from dpsynth.schema_checks import MINUTES

FIRST_DAY = np.datetime64("2000-01-01T00:00:00", "us")  # synthetic dates start at this public day


def write(
    records: Records,
    schema: Schema,
    folder: str | Path,
    format: Literal["csv", "parquet"] = "csv",  # noqa: A002 - the command's word
    pictures: Form | None = None,
) -> list[Path]:
    """Write each table to `folder/<table>.<format>`, and pictures beside them.

    Without a form, pictures become files as the schema says. A table that an .npz holds as a
    whole is not written a second time. Per-patient columns of a visits or events table are
    repeated on each of its rows; a patient without visits gets one row without a time. Dates
    start at 2000-01-01.

    Raises:
        DataError: if the folder can't be written, holds the same tables in another format, or
            the disk is full; nothing is left behind then.
        InputError: if an .npz is asked for, and the schema has no label to put into it.
        ValueError: if the format is neither csv nor parquet.
    """
    if format not in ("csv", "parquet"):
        raise ValueError(f"format must be csv or parquet, got {format!r}")
    folder = Path(folder)
    form = pictures or came_as((), schema)
    inside = table_of_npz(schema) if form == "npz" else None
    paths = {name: folder / f"{name}.{format}" for name in schema.tables if name != inside}
    for path in paths.values():
        _alone(path)
    seen = write_pictures(records, schema, folder, form)
    tables = {path: arrow(records, schema, name, form) for name, path in paths.items()}
    save: Callable[[pa.Table, Path], None] = _csv if format == "csv" else _parquet
    if tables:
        _all_or_none(tables, save)
    return [*paths.values(), *seen]


def arrow(records: Records, schema: Schema, name: str, pictures: Form = "files") -> pa.Table:
    """One table of the schema as it is written."""
    table = schema.tables[name]
    columns = {k: c for k, c in table.columns.items() if not c.identifier}
    view = View(records, schema)
    lone = not any(t.shape == "static" for t in schema.tables.values())
    facts = {k: c for k, c in columns.items() if table.level(c) == "patient"}
    if table.time is None:
        patient, visit = np.arange(len(records)), None
    else:
        patient, visit = _rows(records, keep_all=lone or bool(facts))
    out = {table.key: _keys(records.keys[patient])}
    if table.time is not None and visit is not None:
        out[table.time.column] = _times(records, visit, table.time, table)
    for column, rule in columns.items():
        if column in facts:
            values = pd.Series(view.values(column, "patient")[patient])
        else:
            assert visit is not None
            values = pd.Series(view.values(column, "visit")).reindex(visit)
        out[rule.source or column] = _cells(values, rule)
    if table.picture is not None and visit is not None:
        out[table.picture.file] = pa.array(
            picture_names(records, table.picture, visit, pictures), pa.string()
        )
    return pa.table(out)


def _rows(records: Records, *, keep_all: bool) -> tuple[np.ndarray, np.ndarray]:
    """Patient and visit (-1: none) of each row, in the order of patients and times."""
    patient = records.visits["patient"].to_numpy(dtype=np.int64)
    visit = np.arange(len(patient))
    if keep_all:
        without = np.setdiff1d(np.arange(len(records)), patient)
        patient = np.concatenate([patient, without])
        visit = np.concatenate([visit, np.full(len(without), -1)])
    order = np.argsort(patient, kind="stable")
    return patient[order], visit[order]


def _keys(keys: np.ndarray) -> pa.Array:
    whole = all(str(key).isdecimal() and str(int(key)) == key for key in keys)
    small = whole and all(len(key) < 19 for key in keys)
    return pa.array([int(k) for k in keys], pa.int64()) if small else pa.array(keys, pa.string())


def _times(records: Records, visit: np.ndarray, clock: Clock, table: Table) -> pa.Array:
    time = records.visits["time"].reindex(visit).to_numpy(dtype=np.float64)
    if table.empty == "keep":
        time = time * table.window  # records count windows on a regular grid
    null = np.isnan(time)
    known = np.where(null, 0.0, time)
    if clock.kind == "date":
        past = np.round(known * MINUTES[clock.unit] * 60e6).astype("timedelta64[us]")
        moment = FIRST_DAY + past
        if (moment == moment.astype("datetime64[D]")).all():
            return pa.array(moment.astype("datetime64[D]"), pa.date32(), mask=null)
        return pa.array(moment, pa.timestamp("us"), mask=null)
    if (known == np.rint(known)).all():
        return pa.array(known.astype(np.int64), pa.int64(), mask=null)
    return pa.array(known, pa.float64(), mask=null)


def _cells(values: pd.Series, rule: Column) -> pa.Array:
    null = values.isna().to_numpy()
    if rule.type is Kind.NUMBER:
        return pa.array(values.to_numpy(dtype=np.float64), pa.float64(), mask=null)
    if rule.type is Kind.COUNT:
        whole = values.fillna(0).to_numpy(dtype=np.float64)
        return pa.array(np.rint(whole).astype(np.int64), pa.int64(), mask=null)
    cells = values.to_numpy(dtype=object)
    if rule.type is Kind.CATEGORY:
        return pa.array(cells, pa.string(), mask=null)
    if rule.categories is None:
        return pa.array(cells == "true", pa.bool_(), mask=null)
    words = np.where(cells == "true", rule.categories[1], rule.categories[0])
    return pa.array(words.astype(object), pa.string(), mask=null)


def _csv(table: pa.Table, path: Path) -> None:
    safe = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_string(column.type):
            coded = column.combine_chunks().dictionary_encode()
            words = pa.array([neutral(word) for word in coded.dictionary.to_pylist()], pa.string())
            column = words.take(coded.indices)  # noqa: PLW2901
        safe[neutral(name)] = column
    pacsv.write_csv(pa.table(safe), path)


def _parquet(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd")


def _alone(path: Path) -> None:
    """The same table in another format would be read together with this one."""
    name = path.name.removesuffix(path.suffix)
    for suffix in SUFFIXES:
        other = path.with_name(name + suffix)
        if other != path and other.exists():
            raise DataError(f"{other}: holds the same table already; choose another folder")


def _all_or_none(tables: Mapping[Path, Any], save: Callable[[Any, Path], None]) -> None:
    """Write every file beside its place, then move all of them; clean up if one fails."""
    folder = next(iter(tables)).parent
    made = not folder.exists()
    done: list[tuple[Path, Path]] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, table in tables.items():
            handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", dir=folder)
            os.close(handle)
            done.append((Path(name), path))
            save(table, Path(name))
            Path(name).chmod(0o644)
        for part, path in done:
            part.replace(path)
    except (OSError, pa.ArrowException) as error:
        for part, _ in done:
            part.unlink(missing_ok=True)
        if made and folder.exists() and not any(folder.iterdir()):
            folder.rmdir()
        raise DataError(f"{folder}: can't be written: {_why(error)}") from None
    except BaseException:
        for part, _ in done:
            part.unlink(missing_ok=True)
        raise


def _why(error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "the disk is full; free some room or choose another folder"
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "no permission; choose another folder"
    if number in (errno.ENOTDIR, errno.EEXIST):
        return "it is a file, not a folder; choose another name"
    return f"{type(error).__name__}; choose another folder"
