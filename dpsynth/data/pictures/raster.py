"""PNG, JPEG and TIFF files to arrays, through Pillow's decoders of those three and no other."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dpsynth.data.pictures.guard import look, muted, plainly, shown
from dpsynth.data.pictures.limits import LIMITS, Limits
from dpsynth.errors import DataError

Pixels = NDArray[np.uint8] | NDArray[np.uint16]

DECODERS = ("PNG", "JPEG", "TIFF")
FORMATS = (*DECODERS, "MPO")  # a phone's MPO is a JPEG with more pictures behind the first
KIND = "PNG, JPEG or TIFF"
CURE = "check that it was copied whole, or write it again as PNG"

GREY = ("1", "L", "LA", "La")
DEEP = ("I;16", "I;16L", "I;16B", "I;16N")
OPAQUE = ("RGB", "CMYK", "YCbCr", "LAB", "HSV")
SEEN_THROUGH = ("LA", "La", "RGBA", "RGBa", "PA")
TOP_OF_DEEP = 2**16 - 1

ORIENTATION = 0x0112  # EXIF and TIFF tag
PHOTOMETRIC = 0x0106  # TIFF tag; 0 says that 0 is white
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_raster(
    path: str | Path, *, page: int = 0, name: str = "", limits: Limits = LIMITS
) -> Pixels:
    """The pixels of a PNG, JPEG or TIFF file, the way up that its EXIF orientation says.

    The file's content tells its format, whatever its name. Its width and height are read from
    its header and checked before anything is decoded. Grey of 16 bits stays so; a palette, CMYK
    and colour of 16 bits become RGB of 8 bits; what is transparent is laid over black.

    Args:
        path: of the file.
        page: of a TIFF file, from 0.
        name: of the file in messages; its last part if left out.
        limits: caps on bytes and pixels.

    Shape:
        return: (H, W) uint8 or uint16, or (H, W, 3) uint8

    Raises:
        DataError: if the file is missing, too large, truncated, of another format, or holds
            numbers that are not of 8 or 16 bits.
    """
    path = Path(path)
    name = name or path.name
    with plainly(name, KIND, CURE):
        look(path, name, limits.file_bytes)
        with path.open("rb") as file:
            try:
                image = Image.open(file, formats=DECODERS)
            except Image.DecompressionBombError:
                raise _too_large(name, limits) from None
            with image:
                return _decoded(image, page, name, limits)


def _decoded(image: Image.Image, page: int, name: str, limits: Limits) -> Pixels:
    if image.format not in FORMATS:
        raise DataError(f"{shown(name)}: is {image.format}, not {KIND}; {CURE}")
    if page:
        _turn_to(image, page, name)
    width, height = image.size
    if width * height > limits.pixels:
        raise _too_large(name, limits)
    if width < 1 or height < 1:
        raise DataError(f"{shown(name)}: has no pixels; {CURE}")
    inverted = image.mode in DEEP and _zero_is_white(image)
    with muted() if image.format == "TIFF" else nullcontext():
        image.load()
    turn = TURNS.get(_orientation(image))
    pixels = _array(image if turn is None else image.transpose(turn), name)
    return TOP_OF_DEEP - pixels if inverted else pixels


def _too_large(name: str, limits: Limits) -> DataError:
    return DataError(
        f"{shown(name)}: says that it holds more than {limits.pixels:,} pixels; make it smaller"
    )


def _turn_to(image: Image.Image, page: int, name: str) -> None:
    if image.format != "TIFF":
        raise DataError(f"{shown(name)}: only a TIFF file has a page {page}; ask for page 0")
    try:
        image.seek(page)
    except (EOFError, ValueError):
        raise DataError(f"{shown(name)}: has no page {page}; ask for an earlier one") from None


def _zero_is_white(image: Image.Image) -> bool:
    """Whether a TIFF file counts from white, which Pillow leaves as it is in 16 bits."""
    tags = getattr(image, "tag_v2", None)
    return tags is not None and tags.get(PHOTOMETRIC) == 0


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation; 1, upright, if there is none or it can't be read."""
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:  # a broken remark on an otherwise readable picture
        return 1


def _array(image: Image.Image, name: str) -> Pixels:
    """A decoded picture as grey of 8 or 16 bits, or RGB."""
    mode = image.mode
    if mode in DEEP:
        return np.array(image).astype(np.uint16)
    if mode == "I":
        return _deep(np.array(image), name)
    kept = "L" if mode in GREY else "RGB"
    if mode in SEEN_THROUGH or "transparency" in image.info:
        clear = image.convert("RGBA")
        black = Image.new("RGBA", clear.size, (0, 0, 0, 255))
        return np.array(Image.alpha_composite(black, clear).convert(kept), dtype=np.uint8)
    if mode in GREY or mode == "P" or mode in OPAQUE:
        return np.array(image.convert(kept), dtype=np.uint8)
    raise DataError(f"{shown(name)}: holds pixels of mode {mode}; write it in 8 or 16 bits")


def _deep(wide: NDArray[np.int32], name: str) -> Pixels:
    """Whole numbers of 32 bits, if they fit into 16."""
    if wide.min() < 0 or wide.max() > TOP_OF_DEEP:
        raise DataError(
            f"{shown(name)}: holds numbers outside [0, {TOP_OF_DEEP}]; write it in 8 or 16 bits"
        )
    return wide.astype(np.uint16)
