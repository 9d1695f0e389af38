"""One table's files to rows: columns checked against the schema, keys and times parsed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from dpsynth.data import raw
from dpsynth.data.cells import distinct, keys, plain
from dpsynth.data.dicom_table import lacking, listed, tagged
from dpsynth.data.identifiers import names_a_person
from dpsynth.data.notes import Notes
from dpsynth.data.picture_rows import NPZ, archived
from dpsynth.data.times import times
from dpsynth.errors import SchemaError
from dpsynth.schema import Table


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A table's rows that carry a patient key. Private.

    Attributes:
        name, table: of the schema.
        frame: columns as the files store them.
        keys: distinct patient keys.
        key: each row's place in `keys`.
        time: each row's time, a number or microseconds; NaN if none; none for statics.
        code: events: place of each row's code among the table's columns, -1 if undeclared;
            none for other shapes and for events written as one row per window ("wide").
    """

    name: str
    table: Table
    frame: pa.Table
    keys: list[str]
    key: np.ndarray
    time: np.ndarray | None
    code: np.ndarray | None

    def pictures(self) -> np.ndarray:
        """(rows,) names of the rows' pictures as text, "" where there is none."""
        assert self.table.picture is not None
        index, values = distinct(self.frame.column(self.table.picture.file))
        return np.array([*map(plain, values), ""], dtype=object)[index]

    def column(self, name: str) -> pa.ChunkedArray:
        """The file's column that a schema's column reads."""
        return self.frame.column(self.table.columns[name].source or name)


def rows(
    name: str, table: Table, paths: Sequence[Path], notes: Notes, incomplete: bool = False
) -> Rows:
    """Read a table's files; `incomplete` as in `reader.read`.

    Raises:
        SchemaError: if the files' columns are not those of the schema.
        DataError: if a file can't be read.
    """
    parts = []
    wide = False
    for path in paths:
        head = _made(path, table)
        names = head.column_names if head is not None else list(raw.header(path).types)
        wide = table.shape == "events" and table.code not in names
        wanted, absent = _wanted(name, table, names, path, wide, notes, incomplete)
        part, skipped = (head.select(wanted), 0) if head is not None else raw.load(path, wanted)
        for each in absent:
            part = part.append_column(each, pa.nulls(len(part), pa.string()))
        if by_tag := lacking(table, names):
            part = tagged(part, table, path.parent, by_tag)
        notes.add(f"tables.{name}", "malformed lines (dropped)", skipped)
        parts.append(part)
    frame = together(parts, name)
    for each in frame.schema:
        if pa.types.is_nested(each.type):
            raise SchemaError(
                f"tables.{name}: column {each.name!r} holds {each.type} in each cell; ignore it, "
                "or write one value a cell"
            )
    place, known = keys(frame.column(table.key))
    null = np.array([each is None for each in known])[place]
    notes.add(f"tables.{name}", f"rows without {table.key} (dropped)", null.sum())
    if null.any():
        frame = frame.filter(pa.array(~null))
        place = place[~null]
    long = table.shape == "events" and not wide
    code = _declared(frame, table, name, notes) if long else None
    clock = table.time
    time = None
    if clock and table.picture is not None and clock.column == table.picture.file:
        time = _in_order(frame.column(clock.column))
    elif clock:
        time = times(frame.column(clock.column), clock, f"tables.{name}.time")
    return Rows(
        name=name,
        table=table,
        frame=frame,
        keys=[each or "" for each in known],
        key=place,
        time=time,
        code=code,
    )


def _made(path: Path, table: Table) -> pa.Table | None:
    """The table that pictures make by themselves, out of an .npz or a folder of DICOM files."""
    if table.picture is None:
        return None
    if path.is_dir():
        return listed(path, table)
    return archived(path, table) if path.suffix == NPZ else None


def _in_order(column: pa.ChunkedArray) -> np.ndarray:
    """(rows,) places of names in the order of their text, NaN if empty: an order is all it is."""
    index, values = distinct(column)
    names = [plain(value) for value in values]
    place = {name: float(i) for i, name in enumerate(sorted(set(names) - {""}))}
    return np.array([*(place.get(name, np.nan) for name in names), np.nan])[index]


def _declared(frame: pa.Table, table: Table, name: str, notes: Notes) -> np.ndarray:
    """Place of each event's code among the table's columns, -1 if it is not wanted."""
    index, values = distinct(frame.column(table.code))
    known = {each.source or at: i for i, (at, each) in enumerate(table.columns.items())}
    loose = {plain(code): i for code, i in known.items()}
    modelled = table.modelled
    dropped = [i for i, each in enumerate(table.columns) if each not in modelled]
    of = [known.get(str(value), loose.get(plain(value), -1)) for value in values]
    code = np.array([*(-1 if i in dropped else i for i in of), -1])[index]
    if table.other_codes == "note":
        notes.add(f"tables.{name}", "events of other codes (dropped)", (code < 0).sum())
    return code


def _wanted(
    name: str,
    table: Table,
    names: Sequence[str],
    path: Path,
    wide: bool,
    notes: Notes,
    incomplete: bool,
) -> tuple[list[str], list[str]]:
    """The columns to read, and those that are absent and may be.

    Anything that the schema and the file do not share is named.
    """
    needed = [table.key, *([table.time.column] if table.time else [])]
    if table.picture is not None and table.picture.file not in needed:
        needed.append(table.picture.file)
    claimed: list[str] = []
    dropped: list[str] = []
    if table.shape == "events" and not wide:
        needed += [each for each in (table.code, table.number) if each is not None]
    else:
        modelled = table.modelled
        for at, each in table.columns.items():
            by_tag = each.tag is not None and (each.source or at) not in names
            if not by_tag:
                (claimed if at in modelled else dropped).append(each.source or at)
    absent = [each for each in claimed if each not in names] if incomplete else []
    if absent:
        notes.columns.append(f"{path.name}: lacks {_list(absent)}: taken as missing everywhere")
    claimed = [each for each in claimed if each not in absent]
    lacking = [each for each in [*needed, *claimed] if each not in names]
    if lacking:
        raise SchemaError(
            f"{path.name}: lacks {_list(lacking)} of tables.{name}; it has {_list(names)}. Remove "
            "them from the schema, or state their names in the file as `source:`"
        )
    known = {*needed, *claimed, *dropped, *table.ignore}
    more = [each for each in names if each not in known]
    persons = [each for each in more if names_a_person(each)]
    if persons:
        notes.columns.append(f"{path.name}: dropped as direct identifiers: {_list(persons)}")
    strange = [each for each in more if each not in persons]
    if strange and incomplete:
        notes.columns.append(f"{path.name}: left out, unknown to the schema: {_list(strange)}")
    elif strange and (table.shape != "events" or wide):
        raise SchemaError(
            f"{path.name}: tables.{name} says nothing of {_list(strange)}; claim them as columns, "
            "mark them identifier: true, or list them under `ignore:`"
        )
    return [*needed, *claimed], absent


def _list(names: Sequence[str], most: int = 30) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def together(parts: Sequence[pa.Table], name: str) -> pa.Table:
    """Several files under each other; where storage types differ, as text."""
    if len(parts) == 1:
        return parts[0]
    first, *rest = (set(part.column_names) for part in parts)
    for other in rest:
        if other != first:
            raise SchemaError(
                f"tables.{name}: its files differ in columns: {_list(sorted(first ^ other))}"
            )
    columns = {}
    for each in parts[0].column_names:
        arrays = [part.column(each) for part in parts]
        if len({a.type for a in arrays}) > 1:
            arrays = [_as_text(a) for a in arrays]
        columns[each] = pa.chunked_array([c for a in arrays for c in a.chunks], type=arrays[0].type)
    return pa.table(columns)


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    index, values = distinct(column)
    names = pa.array([plain(value) for value in values], type=pa.large_string())
    taken = names.take(pa.array(np.where(index < 0, 0, index))) if values else names
    if not values:
        taken = pa.nulls(len(index), pa.large_string())
    return pa.chunked_array([pa.compute.if_else(pa.array(index < 0), None, taken)])
