"""Synthetic pictures at a glance: a block for each class of the label, and never a real one."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dpsynth.data.pictures import contact_sheet
from dpsynth.data.records import Records
from dpsynth.schema import Schema

SHEET = "sheet.png"
TITLE = "Synthetic pictures: they show nobody"
CLASSES, LINES, COLUMNS = 24, 3, 12  # at most, of the sheet
SHOWN = 64  # pixels of a picture on the sheet, about


def class_sheet(records: Records, schema: Schema, path: Path) -> Path:
    """Write the sheet; which pictures stand on it is chosen by their order alone.

    Args:
        records: synthetic ones with pictures, at least one.
        schema: of the run.
        path: of the PNG file.
    """
    assert records.pictures is not None
    captions = classes(records, schema)
    order = sorted(range(len(captions)), key=lambda row: _place(captions[row], schema))
    return contact_sheet(
        records.pictures[order],
        [captions[row] for row in order],
        path,
        rows=CLASSES,
        lines=LINES,
        columns=COLUMNS,
        zoom=max(1, round(SHOWN / records.pictures.shape[1])),
        title=TITLE,
    )


def classes(records: Records, schema: Schema) -> list[str]:
    """What each picture shows, in words: the label's category, or its side of the threshold."""
    label = schema.label
    if label is None:
        return [""] * len(records.visits)
    name = label.column
    told = records.at_visits(name)
    missing = told.isna().to_numpy()
    if label.above is None:
        words = [f"{name}: {value}" for value in told]
    else:
        above = told.to_numpy(dtype=np.float64) > label.above
        words = [f"{name} {'>' if each else '<='} {label.above:g}" for each in above]
    return [f"{name}: missing" if gone else each for gone, each in zip(missing, words, strict=True)]


def _place(caption: str, schema: Schema) -> tuple[int, str]:
    """Categories in the schema's order, what it does not list after them by name."""
    assert schema.label is not None or not caption
    if schema.label is None:
        return 0, caption
    name = schema.label.column
    known = (schema.columns("patient") | schema.columns("visit"))[name].categories or ()
    listed = [f"{name}: {each}" for each in known]
    return (listed.index(caption) if caption in listed else len(listed)), caption
