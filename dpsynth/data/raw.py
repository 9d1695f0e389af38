"""Untrusted files to Arrow tables: CSV (also gzipped) as text, Parquet as typed; nothing is run.

Caps hold against bombs: bytes on disk, bytes in memory, cells. CSV rows with too many or too few
cells are skipped and counted, since one patient's row must not stop a reader.
"""

from __future__ import annotations

import codecs
import csv
import gzip
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from dpsynth.data.lines import WholeLines
from dpsynth.data.spreadsheet import original
from dpsynth.errors import DataError, SchemaError

MOST_FILE_BYTES = 8 * 2**30
MOST_MEMORY_BYTES = 32 * 2**30
MOST_CELLS = 5_000_000_000
MOST_HEADER_BYTES = 2**20
SUFFIXES = (".csv", ".csv.gz", ".parquet")


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a file says about itself without its values. Public.

    Attributes:
        types: name to storage type; "" where the file has none (CSV).
        separator: between a CSV file's cells.
    """

    types: dict[str, str]
    separator: str = ","


def stem(path: Path) -> str:
    """A file's name without .csv, .csv.gz or .parquet."""
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if path.name.lower().endswith(suffix):
            return path.name[: -len(suffix)]
    return path.stem


def header(path: Path) -> Header:
    """A file's column names and storage types, read from its first line or its metadata.

    Raises:
        DataError: if the file is missing, too large, empty, unreadable or of another kind.
    """
    _check(path)
    with _plainly(path):
        if path.name.lower().endswith(".parquet"):
            schema = pq.read_schema(path)
            names, types = schema.names, [str(each) for each in schema.types]
            found = Header(types=dict(zip(names, types, strict=True)))
        else:
            line = _first_line(path)
            separator = max(",;\t|", key=line.count)
            cells = next(csv.reader([line], delimiter=separator), [])
            names = [original(name.strip()) for name in cells]
            found = Header(types=dict.fromkeys(names, ""), separator=separator)
    if not names or not any(names):
        raise DataError(f"{path.name}: is empty; it needs a line of column names")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise SchemaError(f"{path.name}: column {twice!r} stands twice; rename one")
    return found


def load(path: Path, columns: Sequence[str]) -> tuple[pa.Table, int]:
    """Those columns of a file, and how many malformed rows were skipped.

    Raises:
        DataError: if the file can't be read.
    """
    head = header(path)
    with _plainly(path):
        if path.name.lower().endswith(".parquet"):
            return _parquet(path, columns), 0
        return _csv(path, head, columns)


def _check(path: Path) -> None:
    if not path.is_file():
        raise DataError(f"{path.name}: there is no such file ({path})")
    if not path.name.lower().endswith(SUFFIXES):
        raise DataError(f"{path.name}: must end in {', '.join(SUFFIXES)}")
    size = path.stat().st_size
    if size > MOST_FILE_BYTES:
        raise DataError(f"{path.name}: larger than {MOST_FILE_BYTES >> 30} GiB; split it")
    if size == 0:
        raise DataError(f"{path.name}: is empty; it needs a line of column names")


@contextmanager
def _plainly(path: Path) -> Iterator[None]:
    """Say in one line that a file is broken, without showing its contents."""
    try:
        yield
    except (pa.ArrowException, OSError, EOFError, UnicodeError, csv.Error, ValueError) as error:
        kind = "Parquet" if path.name.lower().endswith(".parquet") else "CSV"
        raise DataError(
            f"{path.name}: is not a readable {kind} file ({type(error).__name__}); "
            "write it again, or check that it was copied whole"
        ) from None


def _open(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb")  # type: ignore[return-value]


def _first_line(path: Path) -> str:
    with _open(path) as file:
        raw = file.readline(MOST_HEADER_BYTES)
    if len(raw) == MOST_HEADER_BYTES:
        raise DataError(f"{path.name}: its first line is longer than a line of column names")
    return _decoded(raw.removeprefix(codecs.BOM_UTF8)).strip("\r\n")


def _csv(path: Path, head: Header, columns: Sequence[str]) -> tuple[pa.Table, int]:
    skipped = 0

    def skip(_: Any) -> str:
        nonlocal skipped
        skipped += 1
        return "skip"

    names = list(head.types)
    with _open(path) as file:
        lines = WholeLines(file, head.separator)
        reader = pacsv.open_csv(
            pa.PythonFile(lines, "r"),
            read_options=pacsv.ReadOptions(
                column_names=names, skip_rows=1, use_threads=False, block_size=2**24
            ),
            parse_options=pacsv.ParseOptions(delimiter=head.separator, invalid_row_handler=skip),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_binary()),
                include_columns=list(columns),
                strings_can_be_null=False,
            ),
        )
        batches, held = [], 0
        for batch in reader:
            held += batch.nbytes
            if held > MOST_MEMORY_BYTES:
                raise DataError(f"{path.name}: holds over {MOST_MEMORY_BYTES >> 30} GiB; split it")
            batches.append(batch)
        table = pa.Table.from_batches(batches, reader.schema)
    return pa.table({name: _text(table.column(name)) for name in columns}), skipped + lines.dropped


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Bytes as UTF-8, and each cell that is not as Windows-1252: no cell changes another."""
    try:
        return column.cast(pa.large_string())
    except pa.ArrowInvalid:
        coded = column.combine_chunks().dictionary_encode()
        words = pa.array([_decoded(raw) for raw in coded.dictionary.to_pylist()], pa.large_string())
        return pa.chunked_array([words.take(coded.indices)])


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _parquet(path: Path, columns: Sequence[str]) -> pa.Table:
    with pq.ParquetFile(path) as file:
        rows = file.metadata.num_rows
        size = sum(
            file.metadata.row_group(i).total_byte_size for i in range(file.metadata.num_row_groups)
        )
        if rows * max(len(columns), 1) > MOST_CELLS or size > MOST_MEMORY_BYTES:
            raise DataError(f"{path.name}: holds too many values ({rows:,} rows); split it")
        return file.read(columns=list(columns), use_threads=False)


__all__ = ["SUFFIXES", "Header", "header", "load", "stem"]
