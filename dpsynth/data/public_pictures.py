"""Public pictures, from which a network may learn before it learns from patients'."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from dpsynth.data.phantoms import KINDS
from dpsynth.data.picture_rows import frame_of
from dpsynth.data.pictures import framed, read_npz, read_pictures
from dpsynth.errors import InputError
from dpsynth.schema import Picture

PATIENTS, SEED, SMALLEST = 2000, 0, 16  # of phantoms, and the least side that they are drawn with
SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".dcm"}
LEAST = 100  # pictures, fewer of which teach nothing


def public_pictures(source: str, picture: Picture) -> np.ndarray:
    """Pictures that are public, in the frame of the patients'.

    Shades are taken over the whole range of a file's type: the schema's window is for the
    patients' files.

    Args:
        source: `chest` or `skin` for phantoms that a program draws, or a folder of PNG, JPEG,
            TIFF or DICOM files, looked through to the bottom, or the training part
            of an .npz in MedMNIST's layout.
        picture: of the schema.

    Shape:
        return: (pictures, size, size, channels) uint8

    Raises:
        InputError: if there is no such source, or it holds too few pictures.
        DataError: if a file can't be read.
    """
    frame = replace(frame_of(picture), window=None)
    if source in KINDS:
        drawn = KINDS[source](PATIENTS, SEED, max(picture.size, SMALLEST)).images
        found = np.stack([framed(each, frame) for each in drawn])
    elif Path(source).is_dir():
        files = (path for path in Path(source).rglob("*") if path.suffix.lower() in SUFFIXES)
        names = sorted(path.relative_to(source).as_posix() for path in files)
        dicom = any(name.lower().endswith(".dcm") for name in names)
        found = read_pictures(source, names, frame, dicom=dicom).pixels
    elif Path(source).suffix == ".npz" and Path(source).is_file():
        held = read_npz(source).values()
        found = np.stack([framed(each, frame) for part in held for each in part.images])
    else:
        raise InputError(
            f"there are no public pictures {source!r}; give a folder of pictures, an .npz file, "
            f"or one of {', '.join(KINDS)}"
        )
    if len(found) < LEAST:
        raise InputError(
            f"{source}: {len(found)} pictures are too few to learn from first; give {LEAST}"
        )
    return found
