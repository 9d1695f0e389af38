"""Which file belongs to which table: by its stem, or as `table=path`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from dpsynth.data.dicom_table import dicoms
from dpsynth.data.picture_rows import NPZ
from dpsynth.data.raw import SUFFIXES, stem
from dpsynth.errors import DataError
from dpsynth.schema import Schema


def matched(paths: Sequence[str | Path], schema: Schema) -> dict[str, list[Path]]:
    """The files of each table, in the schema's order.

    A file belongs to the table with its stem (`visits.csv`, `visits-0001.parquet`), or to the
    one that is named before it (`visits=part1.csv`). A schema of one table takes any file. A
    folder stands for the data files in it; what fits no table there is left alone.

    Raises:
        DataError: if a file is missing or fits no table, or if a table has no file.
    """
    found: dict[str, list[Path]] = {name: [] for name in schema.tables}
    for each in paths:
        for table, path in _expand(str(each), schema):
            if path not in found[table]:
                found[table].append(path)
    for name, files in found.items():
        if not files:
            raise DataError(f"table {name!r} has no file; give {name}.csv, or {name}=PATH")
    return found


def _expand(given: str, schema: Schema) -> list[tuple[str, Path]]:
    table, equals, rest = given.partition("=")
    named = bool(equals) and table in schema.tables
    path = Path(rest if named else given)
    if not path.exists():
        raise DataError(f"there is no such file: {path}")
    if not path.is_dir():
        return [(table if named else _table(path, schema), path)]
    return _in_folder(path, table if named else None, schema)


def _in_folder(path: Path, table: str | None, schema: Schema) -> list[tuple[str, Path]]:
    """The folder's tables; of pictures an .npz, or else itself if it is of DICOM files."""
    for endings in (SUFFIXES, (NPZ,)):
        files = sorted(p for p in path.iterdir() if p.name.lower().endswith(endings))
        if endings == (NPZ,):
            files = [p for p in files if schema.picture is not None]
        if table is not None and files:
            return [(table, p) for p in files]
        fitting = [(t, p) for p in files if (t := _by_stem(p, schema)) is not None]
        if not fitting and len(schema.tables) == 1:
            fitting = [(next(iter(schema.tables)), p) for p in files]
        if fitting:
            return fitting
    seen = [n for n, t in schema.tables.items() if t.picture is not None and t.picture.dicom]
    if seen and table in (None, seen[0]) and dicoms(path):
        return [(seen[0], path)]
    if table is not None:
        return []
    raise DataError(f"{path}: holds no file of a table; it needs {', '.join(schema.tables)}")


def _table(path: Path, schema: Schema) -> str:
    found = _by_stem(path, schema)
    if found is None and len(schema.tables) == 1:
        return next(iter(schema.tables))
    if found is None:
        raise DataError(
            f"{path.name}: fits no table ({', '.join(schema.tables)}); "
            f"rename it, or say TABLE={path}"
        )
    return found


def _by_stem(path: Path, schema: Schema) -> str | None:
    name = stem(path)
    if name in schema.tables:
        return name
    short = re.sub(r"[-_.]?(part)?[-_.]?\d+$", "", name)
    return short if short in schema.tables else None
