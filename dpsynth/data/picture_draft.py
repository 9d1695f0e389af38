"""A first schema of pictures, from names of files and columns and from headers of arrays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dpsynth.data.dicom_table import dicoms
from dpsynth.data.picture_rows import NPZ
from dpsynth.data.pictures.npz import npz_shapes
from dpsynth.data.sketch import Facts, Sketch
from dpsynth.errors import DataError
from dpsynth.schema_checks import ENDINGS

FILES = re.compile(
    r"(image|img|picture|pic|photo|scan|x_?ray|slice|dicom|dcm|file|isic)s?"
    r"(_?(file|path|name|filename|file_?name|id|index))?|filename|path"
)
DICOM = ".dcm"
# What the standard itself says of these tags is public.
TAGS: Mapping[str, Facts] = {
    "sex": {
        "type": "category",
        "tag": "PatientSex",
        "categories": ["F", "M", "O"],
        "per": "patient",
        "sensitive": True,
    },
    "age": {
        "type": "number",
        "tag": "PatientAge",
        "unit": "years",
        "per": "patient",
        "sensitive": True,
    },
    "view": {"type": "category", "tag": "ViewPosition"},
}


def of_pictures(path: Path) -> bool:
    """Whether a path is an .npz, or a folder of DICOM files, which needs no table."""
    if path.is_dir():
        return bool(dicoms(path))
    return path.name.lower().endswith(NPZ)


def sketched(name: str, path: Path) -> Sketch:
    """The table that an .npz or a folder of DICOM files makes.

    Guarantee:
        No pixel, no label and no tag is read: of an .npz the shapes without their numbers, of a
        DICOM file the mark that it is one.

    Raises:
        DataError: if an .npz can't be read or is not laid out as MedMNIST's.
    """
    clock: Facts = {"kind": "order"}
    if path.is_dir():
        picture = {**_choice(), "dicom": True}
        columns = {name: dict(facts) for name, facts in TAGS.items()}
        return Sketch(
            name=name, shape="visits", key="PatientID", time="image", clock=clock,
            columns=columns, picture=picture,
        )  # fmt: skip
    shapes = npz_shapes(path)
    images, labels = (shapes.get(f"train_{what}", ()) for what in ("images", "labels"))
    if len(images) not in (2, 3) or len(labels) != 1:
        raise DataError(
            f"{path.name}: needs train_images (n, H, W) and train_labels (n, k), as MedMNIST's have"
        )
    picture = _choice(size=min(max(images[0], 8), 128), channels=3 if len(images) == 3 else 1)
    names = ["label"] if labels == (1,) else [f"label_{i + 1}" for i in range(labels[0])]
    return Sketch(
        name=name, shape="visits", key="patient", time="image", clock=clock, picture=picture,
        columns={each: {"type": "category", "missing": False} for each in names},
    )  # fmt: skip


def beside(names: list[str], table: Path) -> tuple[str, Facts] | None:
    """The column that names pictures' files, and where they lie, if there are pictures at all."""
    low = {each: re.sub(r"(?<=[a-z])(?=[A-Z])", "_", each.strip()).lower() for each in names}
    column = next((each for each, word in low.items() if FILES.fullmatch(word)), None)
    if column is None:
        return None
    root = table.parent
    places = {p: _endings(p) for p in (root, *sorted(d for d in root.iterdir() if d.is_dir()))}
    places = {place: found for place, found in places.items() if found}
    if not places:
        return None
    only = next(iter(places)) if len(places) == 1 else root
    facts = _choice()
    if only != root:
        facts["folder"] = only.name
    if any(DICOM in found for found in places.values()):
        facts["dicom"] = True
    return column, facts


def _endings(folder: Path) -> set[str]:
    """Endings of the pictures that lie in a folder itself."""
    return {p.suffix.lower() for p in folder.iterdir() if p.name.lower().endswith(ENDINGS)}


def _choice(size: int = 28, channels: int = 1) -> dict[str, Any]:
    return {"file": "image", "size": size, "channels": channels}
