"""A first schema for files, or for another tool's metadata, to be finished by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dpsynth.data.draft import draft
from dpsynth.data.schema_file import load_schema
from dpsynth.data.sdv_metadata import draft_from_sdv, save_sdv_metadata
from dpsynth.errors import InputError
from dpsynth.pipeline.access import plain_paths, population_of
from dpsynth.pipeline.folders import write_text
from dpsynth.privacy.ledger import Ledger
from dpsynth.schema_errors import FILL_IN

VALUES = "values read for a schema, taken as public"  # for the ledger


@dataclass(frozen=True, kw_only=True)
class Inspected:
    """What `inspect` drafted.

    Attributes:
        path: the schema file, or SDV metadata.
        blanks: lines that are still to be filled in.
        identifiers: columns taken for direct identifiers, which are dropped.
        assumed_public: whether values were read and taken as public.
        population: whose ledger holds that access, or none.
    """

    path: Path
    blanks: int = 0
    identifiers: tuple[str, ...] = ()
    assumed_public: bool = False
    population: str | None = None


def inspect(
    data: Sequence[str | Path],
    out: str | Path,
    *,
    dictionary: str | Path | None = None,
    sdv: str | Path | None = None,
    assume_public: bool = False,
    population: str | None = None,
    name: str | None = None,
    ledger: Ledger | None = None,
) -> Inspected:
    """Draft a schema file from column names and storage types, or from SDV metadata.

    Args:
        data: CSV, .csv.gz or Parquet files or folders, an .npz of pictures, or a folder of
            DICOM files; none with `sdv`.
        out: the schema file, ending in .yaml or .yml; it must not exist.
        dictionary: a data dictionary (CSV or JSON).
        sdv: metadata of the Synthetic Data Vault in JSON, in place of files.
        assume_public: read bounds, categories and sizes from values, without protection; each
            is recorded in the schema, and on every card made with it.
        population: the ledger's name of the patients, where that access is written down too.
        name: of the data set.
        ledger: none for the user's own.

    Raises:
        InputError: on bad input; nothing is written.
    """
    if bool(data) == (sdv is not None):
        raise InputError("inspect needs data files or SDV metadata, and not both")
    path = _new(Path(out), (".yaml", ".yml"))
    group = None
    if sdv is not None:
        text = draft_from_sdv(sdv, assume_public=assume_public, name=name)
    else:
        text = draft(data, dictionary, assume_public=assume_public, name=name)
        if assume_public and population is not None:
            book = ledger or Ledger()
            group = population_of(book, plain_paths(data), population)
            book.unprotected(group, run=None, purpose=VALUES)
    write_text(path, text)
    facts = [line.split("#")[0] for line in text.splitlines() if not line.startswith("#")]
    return Inspected(
        path=path,
        blanks=sum(FILL_IN in line for line in facts),
        identifiers=tuple(
            line.split(":")[0].strip() for line in facts if "identifier: true" in line
        ),
        assumed_public=assume_public,
        population=group,
    )


def export_sdv(schema: str | Path, out: str | Path) -> Inspected:
    """Write a finished schema file as SDV metadata.

    Raises:
        InputError: if the schema is not finished, or the output exists.
    """
    found = load_schema(schema)
    return Inspected(path=save_sdv_metadata(found, _new(Path(out), (".json",))))


def _new(path: Path, endings: tuple[str, ...]) -> Path:
    if path.suffix not in endings:
        raise InputError(f"the output must end in {' or '.join(endings)}, got {path.name!r}")
    if path.exists():
        raise InputError(f"{path} exists already; choose another name, or remove it")
    if not path.parent.is_dir():
        raise InputError(f"there is no folder {path.parent}; make it first")
    return path
