"""A contact sheet: many small pictures on one PNG, a row for each caption."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from dpsynth.data.pictures.guard import whole
from dpsynth.data.pictures.writer import checked

GAP = 4  # white pixels around each picture
FONT = 14  # pixels
LONGEST_CAPTION = 40  # characters
WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def contact_sheet(
    pixels: NDArray[np.uint8],
    captions: Sequence[str],
    path: str | Path,
    *,
    rows: int = 12,
    columns: int = 12,
    zoom: int = 2,
    lines: int = 1,
    title: str = "",
) -> Path:
    """Write pictures as one PNG: those of one caption (such as a class) side by side.

    Captions stand at the left of their pictures, in the order in which they first come. What
    exceeds `rows`, `lines` or `columns` is left out.

    Args:
        pixels: (n, H, W), (n, H, W, 1) or (n, H, W, 3), uint8.
        captions: one for each picture.
        path: of the PNG file.
        rows: captions at most, 1 or more.
        columns: pictures in a line at most, 1 or more.
        zoom: pixels of the sheet for a pixel of a picture, in each direction.
        lines: of pictures for each caption at most, 1 or more.
        title: above all, if there is one.

    Raises:
        DataError: if the file can't be written.
        ValueError: if there is no picture, not one caption for each, or a number is below 1.
    """
    plain = checked(pixels)
    if not plain or len(captions) != len(plain):
        raise ValueError(f"captions must be one for each picture, got {len(captions)}")
    numbers = {"rows": rows, "columns": columns, "zoom": zoom, "lines": lines}
    for what, value in numbers.items():
        if value < 1:
            raise ValueError(f"{what} must be at least 1, got {value!r}")
    told: dict[str, list[NDArray[np.uint8]]] = {}
    for caption, picture in zip(captions, plain, strict=True):
        told.setdefault(_fitted(caption), []).append(picture)
    shown = [
        (key if start == 0 else "", held[start : start + columns])
        for key, held in list(told.items())[:rows]
        for start in range(0, min(len(held), lines * columns), columns)
    ]
    with whole(path := Path(path)) as file:
        _drawn(shown, zoom, _fitted(title)).save(file, format="PNG")
    return path


def _fitted(caption: str) -> str:
    return " ".join(caption.split())[:LONGEST_CAPTION]


def _drawn(
    lines: Sequence[tuple[str, Sequence[NDArray[np.uint8]]]], zoom: int, title: str
) -> Image.Image:
    """The sheet: each line at least as tall as its caption."""
    font = ImageFont.load_default(FONT)
    gutter = round(max(font.getbbox(caption)[2] for caption, _ in lines)) + 2 * GAP
    tall, wide = (zoom * each for each in lines[0][1][0].shape[:2])
    line = max(tall, FONT + GAP)
    most = max(len(held) for _, held in lines)
    head = FONT + 2 * GAP if title else 0
    width = max(gutter + most * (wide + GAP), round(font.getbbox(title)[2]) + 2 * GAP)
    sheet = Image.new("RGB", (width, head + GAP + len(lines) * (line + GAP)), WHITE)
    pen = ImageDraw.Draw(sheet)
    pen.text((GAP, GAP), title, fill=BLACK, font=font)
    for row, (caption, held) in enumerate(lines):
        top = head + GAP + row * (line + GAP)
        pen.text((GAP, top + (line - FONT) // 2), caption, fill=BLACK, font=font)
        for column, picture in enumerate(held):
            image = Image.fromarray(picture).convert("RGB")
            image = image.resize((wide, tall), Image.Resampling.NEAREST)
            sheet.paste(image, (gutter + column * (wide + GAP), top))
    return sheet
