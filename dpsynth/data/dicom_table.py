"""Columns out of DICOM headers: beside a table that lacks them, or in place of any table.

Guarantee:
    What a row says of its file depends on that file and the schema alone, and no file's header
    raises: a tag that can't be read is missing. A file that is broken is told, or dropped, when
    its pixels are read. Only in place of a table can a broken file stop the reading, since its
    patient is not known; not with `skip_unreadable`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from dpsynth.data.cells import distinct, plain
from dpsynth.data.identifiers import names_a_person
from dpsynth.data.pictures.dicom import check_claimed, is_dicom, pydicom
from dpsynth.data.pictures.dicom_tags import read_tags
from dpsynth.data.pictures.folder import inside
from dpsynth.errors import DataError, SchemaError
from dpsynth.schema import Table

PERSONAL = ("PN", "DA", "DT", "TM", "UI")  # names, dates and unique identifiers
IDENTIFIERS = ("PatientID", "AccessionNumber", "StudyID")


def lacking(table: Table, names: Sequence[str]) -> dict[str, str]:
    """Columns that files are to say by tag since the table has none of that name: name to tag."""
    held = table.modelled.items()
    tags = {each.source or name: each.tag for name, each in held if each.tag is not None}
    return {name: tag for name, tag in tags.items() if name not in names}


def tagged(frame: pa.Table, table: Table, folder: Path, wanted: Mapping[str, str]) -> pa.Table:
    """The table with those columns out of its pictures' headers.

    Args:
        frame: the table, which names the pictures' files.
        table: of the schema.
        folder: the table's own.
        wanted: names of columns to tags.

    Raises:
        SchemaError: if a tag can't be claimed.
        InputError: if pydicom is not installed.
    """
    picture = table.picture
    assert picture is not None
    check(wanted.values())
    index, values = distinct(frame.column(picture.file))
    root, tags = folder / picture.folder, sorted(set(wanted.values()))
    found = [_quiet(root, f"{plain(each)}{picture.suffix}", tags) for each in values]
    rows = [found[place] if place >= 0 else {} for place in index]
    for name, tag in wanted.items():
        cells = pa.array([row.get(tag) for row in rows], pa.large_string())
        frame = frame.append_column(name, cells)
    return frame


def listed(folder: Path, table: Table) -> pa.Table:
    """A table of a folder of DICOM files: where each lies, whose it is, and its claimed tags.

    The patient's key, and a time that is not the file's name, are tags of the schema's names.

    Raises:
        SchemaError: if the key is no tag, or a tag can't be claimed.
        DataError: if a file can't be read, unless the schema skips such.
        InputError: if pydicom is not installed.
    """
    picture = table.picture
    assert picture is not None and table.time is not None
    wanted = {table.key: table.key, **lacking(table, ())}
    if table.time.column != picture.file:
        wanted[table.time.column] = table.time.column
    check(wanted.values(), key=table.key)
    root, names, rows = folder / picture.folder, [], []
    for path in dicoms(root):
        name = path.relative_to(root).as_posix()
        if not name.endswith(picture.suffix):
            continue
        try:
            row = read_tags(inside(root, name), sorted(set(wanted.values())), name=name)
        except DataError:
            if not picture.skip_unreadable:
                raise
            continue
        names.append(name.removesuffix(picture.suffix))
        rows.append(row)
    columns = {picture.file: pa.array(names, pa.large_string())}
    for name, tag in wanted.items():
        columns[name] = pa.array([row.get(tag) for row in rows], pa.large_string())
    return pa.table(columns)


def dicoms(root: Path) -> list[Path]:
    """The DICOM files in a folder and those in it, by their first bytes, in order of names."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return [path for path in files if is_dicom(path)]


def check(tags: Iterable[str], key: str = "") -> None:
    """Refuse tags that no column may be made of; the patient's key may be any short one.

    Raises:
        SchemaError: if one is not known, too long, or a name, a date or an identifier.
        InputError: if pydicom is not installed.
    """
    known = pydicom("datadict")
    for tag in tags:
        try:
            check_claimed([tag])
        except ValueError:
            if tag == key:
                raise SchemaError(
                    f"a folder of DICOM files has no table, so `key` must be a tag such as "
                    f"PatientID, got {tag!r}"
                ) from None
            raise SchemaError(
                f"tag {tag!r} is none that DICOM has as a short text or numbers; write its "
                "keyword, such as PatientSex"
            ) from None
        if tag != key and (known.dictionary_VR(tag) in PERSONAL or _of_person(tag)):
            raise SchemaError(f"tag {tag!r} identifies a person and makes no column; leave it out")


def _of_person(tag: str) -> bool:
    bare = tag.removeprefix("Patient")
    return tag in IDENTIFIERS or names_a_person(tag) or names_a_person(bare)


def _quiet(root: Path, name: str, tags: Sequence[str]) -> Mapping[str, str]:
    """A file's tags, or none if it can't be read."""
    try:
        return read_tags(inside(root, name), tags, name=name)
    except DataError:
        return {}
