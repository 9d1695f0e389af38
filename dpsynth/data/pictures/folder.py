"""The pictures that a table names, read from one folder that none of the names can leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
from numpy.typing import NDArray

from dpsynth.data.pictures.dicom import is_dicom, pydicom, read_dicom
from dpsynth.data.pictures.frame import Frame, framed
from dpsynth.data.pictures.guard import look, plainly, shown
from dpsynth.data.pictures.limits import LIMITS, Limits
from dpsynth.data.pictures.raster import read_raster
from dpsynth.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """The pictures of a table's rows, in its order. INTERNAL.

    Attributes:
        pixels: (n, size, size, channels), uint8; a picture that could not be read is black.
        readable: (n,), bool.
        burned_in: (n,), bool: a DICOM file that does not say that its pixels are free of text.
    """

    pixels: NDArray[np.uint8]
    readable: NDArray[np.bool_]
    burned_in: NDArray[np.bool_]


def inside(root: Path, name: object) -> Path:
    """Where a table's picture lies, which is in the folder or below it.

    Args:
        root: the folder.
        name: a cell of a table: a path from the folder, with forward slashes.

    Raises:
        DataError: if the name is none, absolute, has a `..` part, or leads out by a link.
    """
    if not isinstance(name, str) or not name.strip() or "\0" in name:
        raise DataError(f"{shown(str(name))}: is not the name of a file; correct the table")
    for parts in (PurePosixPath(name), PureWindowsPath(name)):
        if parts.anchor or ".." in parts.parts:
            raise DataError(
                f"{shown(name)}: leads out of the pictures' folder; "
                "give a path from this folder, without '..'"
            )
    with plainly(name, "picture", "correct the table"):
        path = (root / name).resolve()
        if not path.is_relative_to(root.resolve()):
            raise DataError(
                f"{shown(name)}: is a link out of the pictures' folder; put the file itself there"
            )
        return path


def read_pictures(
    root: str | Path,
    names: Sequence[object],
    frame: Frame,
    *,
    skip_unreadable: bool = False,
    dicom: bool = False,
    limits: Limits = LIMITS,
) -> Pictures:
    """The named pictures, each in the same frame.

    A DICOM file's first frame is taken, through `frame.window` if there is one (in units after
    rescaling), else through the file's own window.

    Guarantee:
        Row i of the result depends on its own file and on public settings alone. With
        `skip_unreadable`, nothing that a name or a file holds raises, warns or logs: a picture
        that can't be read is a black one that is marked, and the rows keep their order. So no
        patient's row can stop what comes after the door.

    Args:
        root: the pictures' folder.
        names: one for each row; what is missing counts as unreadable.
        frame: public.
        skip_unreadable: mark what can't be read, rather than raise.
        dicom: DICOM files are welcome too. Public, so that a missing pydicom is told before
            any file is opened.
        limits: caps on each file.

    Shape:
        return: n = len(names)

    Raises:
        DataError: if the folder is missing; and, unless `skip_unreadable`, if a name leads out
            of it or a picture can't be read.
        InputError: if `dicom` is asked for and pydicom is not installed.
    """
    root = Path(root)
    if not root.is_dir():
        raise DataError(f"{root}: there is no such folder; give the one with the pictures")
    if dicom:
        pydicom()
    count = len(names)
    pixels = np.zeros((count, frame.size, frame.size, frame.channels), dtype=np.uint8)
    readable, burned_in = np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_)
    for row, name in enumerate(names):
        try:
            pixels[row], burned_in[row] = _picture(
                inside(root, name), str(name), frame, dicom, limits
            )
        except DataError:
            if not skip_unreadable:
                raise
        else:
            readable[row] = True
    return Pictures(pixels=pixels, readable=readable, burned_in=burned_in)


def _picture(
    path: Path, name: str, frame: Frame, dicom: bool, limits: Limits
) -> tuple[NDArray[np.uint8], bool]:
    """One picture in its frame, and whether text may be burned into it."""
    with plainly(name, "picture", "check that it was copied whole"):
        look(path, name, limits.file_bytes)
        if not is_dicom(path):
            return framed(read_raster(path, name=name, limits=limits), frame), False
        if not dicom:
            raise DataError(f"{shown(name)}: is a DICOM file; ask for DICOM, or convert it to PNG")
        found = read_dicom(path, window=frame.window, name=name, limits=limits)
        # The window has been applied, so its shades are taken as they are.
        return framed(found.pixels[0], replace(frame, window=None)), found.burned_in
