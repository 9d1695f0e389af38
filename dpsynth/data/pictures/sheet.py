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
) -> Path:
    """Write pictures as one PNG: those of one caption (such as a class) side by side.

    Captions stand at the left of their rows, in the order in which they first come. What
    exceeds `rows` or `columns` is left out.

    Args:
        pixels: (n, H, W), (n, H, W, 1) or (n, H, W, 3), uint8.
        captions: one for each picture.
        path: of the PNG file.
        rows: at most, 1 or more.
        columns: at most, 1 or more.
        zoom: pixels of the sheet for a pixel of a picture, in each direction.

    Raises:
        DataError: if the file can't be written.
        ValueError: if there is no picture, not one caption for each, or a number is below 1.
    """
    plain = checked(pixels)
    if not plain or len(captions) != len(plain):
        raise ValueError(f"captions must be one for each picture, got {len(captions)}")
    for what, value in (("rows", rows), ("columns", columns), ("zoom", zoom)):
        if value < 1:
            raise ValueError(f"{what} must be at least 1, got {value!r}")
    lines: dict[str, list[NDArray[np.uint8]]] = {}
    for caption, picture in zip(captions, plain, strict=True):
        lines.setdefault(" ".join(caption.split())[:LONGEST_CAPTION], []).append(picture)
    shown = {key: held[:columns] for key, held in list(lines.items())[:rows]}
    with whole(path := Path(path)) as file:
        _drawn(shown, zoom).save(file, format="PNG")
    return path


def _drawn(lines: dict[str, list[NDArray[np.uint8]]], zoom: int) -> Image.Image:
    """The sheet: each line at least as tall as its caption."""
    font = ImageFont.load_default(FONT)
    boxes = [font.getbbox(caption) for caption in lines]
    gutter = round(max(box[2] for box in boxes)) + 2 * GAP
    tall, wide = (zoom * each for each in next(iter(lines.values()))[0].shape[:2])
    line = max(tall, FONT + GAP)
    most = max(len(held) for held in lines.values())
    size = (gutter + most * (wide + GAP), GAP + len(lines) * (line + GAP))
    sheet = Image.new("RGB", size, WHITE)
    pen = ImageDraw.Draw(sheet)
    for row, (caption, held) in enumerate(lines.items()):
        top = GAP + row * (line + GAP)
        pen.text((GAP, top + (line - FONT) // 2), caption, fill=BLACK, font=font)
        for column, picture in enumerate(held):
            image = Image.fromarray(picture).convert("RGB")
            image = image.resize((wide, tall), Image.Resampling.NEAREST)
            sheet.paste(image, (gutter + column * (wide + GAP), top))
    return sheet
