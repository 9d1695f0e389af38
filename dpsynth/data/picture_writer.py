"""Synthetic pictures in the form that real ones had: image files, DICOM files, or one .npz."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from dpsynth.data.picture_rows import NPZ
from dpsynth.data.pictures import Labelled, write_dicoms, write_images, write_npz
from dpsynth.data.records import Records
from dpsynth.errors import InputError
from dpsynth.schema import Column, Kind, Picture, Schema, Table

# "files" are image files as the schema names them (its suffix), else PNG.
Form = Literal["files", "png", "dicom", "npz"]

PNG, DICOM = ".png", ".dcm"
PICTURES = "pictures"  # folder of synthetic pictures, where the schema names none
NO_LABEL = -1  # in an .npz, where the label is missing


def came_as(paths: Sequence[str | Path], schema: Schema) -> Form:
    """The form of a data set's pictures, by the schema and the files' names alone."""
    picture = schema.picture
    if picture is None:
        return "files"
    if any(str(path).lower().endswith(NPZ) for path in paths):
        return "npz"
    suffix = picture.suffix.lower()
    return "dicom" if suffix == DICOM or (picture.dicom and not suffix) else "files"


def read_again(schema: Schema, form: Form) -> bool:
    """Whether the schema finds and reads pictures that were written in that form."""
    picture = schema.picture
    if picture is None or form == "files":
        return True
    if form == "npz":
        return table_of_npz(schema) is not None
    suffix = picture.suffix.lower()
    return suffix in ("", PNG) if form == "png" else picture.dicom and suffix in ("", DICOM)


def picture_names(
    records: Records, picture: Picture, visit: np.ndarray, form: Form
) -> list[str | None]:
    """What the table calls the pictures of those visits (-1: none); by it they are found again."""
    if form == "npz":
        return [None if row < 0 else f"{picture.splits[0]}-{row:06d}" for row in visit]
    before = f"{PICTURES}/" if picture.folder == "." else ""
    cells = [before + name.removesuffix(picture.suffix) for name in _files(records, picture, form)]
    return [None if row < 0 else cells[row] for row in visit]


def write_pictures(records: Records, schema: Schema, folder: Path, form: Form) -> list[Path]:
    """The pictures' files, where the schema will look for them; the .npz that was written.

    Raises:
        InputError: if an .npz is asked for, and the schema has no label to put into it.
        DataError: if something can't be written.
    """
    picture, pixels = schema.picture, records.pictures
    if picture is None or pixels is None:
        return []
    if form == "npz":
        name = next(name for name, table in schema.tables.items() if table.picture is not None)
        images = pixels[..., 0] if picture.channels == 1 else pixels
        made = Labelled(images=images, labels=_labels(records, schema))
        return [write_npz({picture.splits[0]: made}, folder / f"{name}{NPZ}")]
    place = folder / (PICTURES if picture.folder == "." else picture.folder)
    names = _files(records, picture, form)
    if form == "dicom":
        patient = records.visits["patient"].to_numpy(dtype=np.int64)
        patients = [f"SYNTH-{each + 1:06d}" for each in patient]
        write_dicoms(pixels, place, np.random.default_rng(), patients=patients, names=names)
    else:
        write_images(pixels, place, names)
    return []


def _files(records: Records, picture: Picture, form: Form) -> list[str]:
    """(visits,) plain names of files: the patient's number and that of the picture."""
    patient = records.visits["patient"].to_numpy(dtype=np.int64) + 1
    turn = records.visits["time"].to_numpy(dtype=np.int64) + 1
    pairs = zip(patient, turn, strict=True)
    if form == "dicom":
        ending = picture.suffix if picture.suffix.lower() == DICOM else DICOM
        return [f"SYNTH-{who:06d}_{which}{ending}" for who, which in pairs]
    ending = picture.suffix if form == "files" and picture.suffix else PNG
    return [f"{who:07d}_{which}{ending}" for who, which in pairs]


def table_of_npz(schema: Schema) -> str | None:
    """The pictures' table, if an .npz holds all of it: one image a patient, whole labels."""
    name = next((n for n, each in schema.tables.items() if each.picture is not None), None)
    if name is None or schema.max_visits > 1:
        return None
    table = schema.tables[name]
    assert table.picture is not None and table.time is not None
    roles = (table.key, table.picture.file, table.time.column)
    if roles != ("patient", "image", "image") or table.modelled.keys() != table.columns.keys():
        return None
    whole = all(_is_whole(column) for column in table.columns.values())
    return name if whole and set(_sources(table)) == set(_label_names(len(table.columns))) else None


def _sources(table: Table) -> dict[str, str]:
    """Names in the file to names in the schema."""
    return {column.source or name: name for name, column in table.columns.items()}


def _label_names(count: int) -> list[str]:
    return ["label"] if count == 1 else [f"label_{place + 1}" for place in range(count)]


def _is_whole(column: Column) -> bool:
    """Whether each of a column's values can be written as a whole number and read again."""
    if column.type is Kind.CATEGORY:
        known = column.categories or ()
        return bool(known) and not column.other and all(each.isdecimal() for each in known)
    if column.type is Kind.BOOLEAN:
        return column.categories is None or all(each.isdecimal() for each in column.categories)
    return column.type is Kind.COUNT


def _labels(records: Records, schema: Schema) -> np.ndarray:
    """(visits, k) whole numbers: all columns where an .npz holds them, else the schema's label."""
    name = table_of_npz(schema)
    if name is not None:
        table = schema.tables[name]
        sources = _sources(table)
        wanted = [sources[each] for each in _label_names(len(sources))]
        return np.stack([_coded(records, each, table.columns[each]) for each in wanted], axis=1)
    if schema.label is None:
        raise InputError(
            "an .npz holds labels beside pictures, and the schema names no `label:`; "
            "choose --format png"
        )
    known = schema.columns("patient") | schema.columns("visit")
    column = known[schema.label.column]
    if schema.label.above is not None:
        values = records.at_visits(schema.label.column).to_numpy(dtype=np.float64)
        above = (values > schema.label.above).astype(np.int64)
        return np.where(np.isnan(values), NO_LABEL, above)[:, None]
    return _coded(records, schema.label.column, column, ordinal=True)[:, None]


def _coded(records: Records, name: str, column: Column, *, ordinal: bool = False) -> np.ndarray:
    """(visits,) the column as whole numbers; `ordinal` takes places among the categories."""
    values = records.at_visits(name)
    if column.type is Kind.COUNT:
        return np.rint(values.fillna(NO_LABEL).to_numpy(dtype=np.float64)).astype(np.int64)
    words = categories_of(column, values)
    held = ("false", "true") if column.type is Kind.BOOLEAN else words
    whole = not ordinal and all(each.isdecimal() for each in words)
    numbers = [int(each) for each in words] if whole else range(len(words))
    codes = dict(zip(held, numbers, strict=True))
    return np.array([codes.get(each, NO_LABEL) for each in values], dtype=np.int64)


def categories_of(column: Column, values: pd.Series) -> tuple[str, ...]:
    """A column's categories as files have them; of private ones those that are there."""
    if column.categories is not None:
        others = ("other",) if column.other and "other" not in column.categories else ()
        return (*column.categories, *others)
    if column.type is Kind.BOOLEAN:
        return ("false", "true")
    return tuple(sorted({str(each) for each in values.dropna()}))


def told(schema: Schema, form: Form) -> tuple[str, ...]:
    """What a user must know of pictures that were written in that form, one line each."""
    found = []
    if form == "npz" and table_of_npz(schema) is None and schema.label is not None:
        column = (schema.columns("patient") | schema.columns("visit"))[schema.label.column]
        names = ("no", "yes") if schema.label.above is not None else _words(column)
        codes = ", ".join(f"{i} {each}" for i, each in enumerate(names))
        found.append(f"Labels in the .npz are of {schema.label.column}: {codes or 'in order'}.")
    if not read_again(schema, form):
        found.append(
            f"The run's schema does not read pictures as {form}; for `dpsynth evaluate` leave "
            "--format out."
        )
    return tuple(found)


def _words(column: Column) -> tuple[str, ...]:
    return categories_of(column, pd.Series([], dtype=object))
