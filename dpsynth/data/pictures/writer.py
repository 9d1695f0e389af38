"""Generated pictures to a folder of files, all of them or none."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dpsynth.data.pictures.guard import writing
from dpsynth.errors import DataError

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF"}
ENDINGS = ", ".join(FORMATS)


def write_images(
    pixels: NDArray[np.uint8], folder: str | Path, names: Sequence[str] | None = None
) -> list[str]:
    """Write each picture as a file without any metadata; the names are returned.

    Args:
        pixels: (n, H, W), (n, H, W, 1) or (n, H, W, 3), uint8.
        folder: new or empty.
        names: one for each, whose ending says the format: .png, .jpg, .jpeg (which loses a
            little), .tif or .tiff; picture-000001.png and so on if left out.

    Raises:
        DataError: if the folder holds something or can't be written; nothing is left then.
        ValueError: if pixels are of another shape or type, or names are not plain and distinct.
    """
    plain = checked(pixels)
    if names is None:
        names = [f"picture-{number:06d}.png" for number in range(1, len(plain) + 1)]
    _check_names(names, len(plain))

    def save(place: Path) -> None:
        for name, picture in zip(names, plain, strict=True):
            Image.fromarray(picture).save(place / name, format=_format(name), quality=95)

    fill(folder, save)
    return list(names)


def checked(pixels: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Each picture as (H, W) or (H, W, 3), contiguous.

    Raises:
        ValueError: if they are of another shape or type.
    """
    if pixels.dtype != np.uint8:
        raise ValueError(f"pixels must be uint8, got {pixels.dtype}")
    if pixels.ndim == 4 and pixels.shape[3] == 1:
        pixels = pixels[:, :, :, 0]
    if pixels.ndim not in (3, 4) or pixels.shape[3:] not in ((), (3,)) or 0 in pixels.shape[1:]:
        raise ValueError(f"pixels must be (n, H, W) or (n, H, W, 3), got {pixels.shape}")
    return [np.ascontiguousarray(picture) for picture in pixels]


def fill(folder: str | Path, save: Callable[[Path], None]) -> None:
    """Let `save` write into a folder beside the one that is wanted, then give it its name.

    Raises:
        DataError: if the folder holds something or can't be written.
    """
    folder = Path(folder)
    with writing(folder):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise DataError(f"{folder}: holds something already; choose a new folder")
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            save(part)
            part.chmod(0o755)
            if folder.exists():
                folder.rmdir()
            part.replace(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _check_names(names: Iterable[str], count: int) -> None:
    names = list(names)
    if len(names) != count or len(set(names)) < count:
        raise ValueError(f"names must be one for each of {count} pictures, all different")
    for name in names:
        if PurePath(name).name != name or "\\" in name or not _format(name):
            raise ValueError(f"names must be plain and end in {ENDINGS}, got {name!r}")


def _format(name: str) -> str:
    """What a name's ending says, or "" if it is none that can be written."""
    return FORMATS.get(PurePath(name).suffix.lower(), "")
