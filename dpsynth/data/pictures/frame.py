"""One picture to a small square of fixed size, by public numbers alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dpsynth.data.pictures.raster import Pixels

Fit = Literal["crop", "pad", "stretch"]
SMALLEST, LARGEST = 8, 128


@dataclass(frozen=True, kw_only=True)
class Frame:
    """How a picture becomes a square. All fields are public.

    Attributes:
        size: of the square, in pixels, 8 to 128.
        channels: 1 for grey, 3 for RGB.
        window: (low, high) in stored units: low and below become black, high and above white.
            None is the whole range of the stored type (0 to 255, or 0 to 65535).
        fit: "crop" keeps the centre square, "pad" keeps all of it and adds black, "stretch"
            keeps all of it and changes its shape.
    """

    size: int = 32
    channels: Literal[1, 3] = 1
    window: tuple[float, float] | None = None
    fit: Fit = "crop"

    def __post_init__(self) -> None:
        if not SMALLEST <= self.size <= LARGEST or self.size != int(self.size):
            raise ValueError(f"size must be in [{SMALLEST}, {LARGEST}] pixels, got {self.size!r}")
        if self.channels not in (1, 3):
            raise ValueError(f"channels must be 1 (grey) or 3 (RGB), got {self.channels!r}")
        if self.fit not in get_args(Fit):
            raise ValueError(f"fit must be one of {', '.join(get_args(Fit))}, got {self.fit!r}")
        if self.window is not None:
            check_window(self.window)


def check_window(window: tuple[float, float]) -> None:
    """Refuse a window that is no range of finite numbers.

    Raises:
        ValueError: if low is not below high, or either is not finite.
    """
    low, high = window
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise ValueError(f"window must be (low, high) with low < high, got {window!r}")


def framed(pixels: Pixels, frame: Frame) -> NDArray[np.uint8]:
    """The picture in its frame: windowed, coloured, cut and resized, in this order.

    Guarantee:
        A pure function of this one picture and of the frame's public fields. No extreme, mean
        or other number of the picture or of other pictures sets the scale of the intensities,
        so a patient changes the result for his or her own pictures only.

    Pictures shrink by averaging the area under each new pixel and grow by linear interpolation.
    Grey of a coloured picture is 0.299 R + 0.587 G + 0.114 B.

    Shape:
        pixels: (H, W), (H, W, 1) or (H, W, 3), uint8 or uint16
        return: (size, size, channels), uint8

    Raises:
        ValueError: if the pixels have another shape or type.
    """
    if pixels.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"pixels must be uint8 or uint16, got {pixels.dtype}")
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    if pixels.ndim not in (2, 3) or pixels.shape[2:] not in ((), (3,)) or pixels.size == 0:
        raise ValueError(f"pixels must be (H, W) or (H, W, 3), got {pixels.shape}")
    image = Image.fromarray(np.ascontiguousarray(_windowed(pixels, frame.window)))
    made = _fitted(image.convert("L" if frame.channels == 1 else "RGB"), frame)
    return made.reshape(frame.size, frame.size, frame.channels)


def _windowed(pixels: Pixels, window: tuple[float, float] | None) -> NDArray[np.uint8]:
    """Stored units to 0..255, by a table of every value that the type can hold."""
    if window is None and pixels.dtype == np.uint8:
        return pixels.astype(np.uint8)
    top = int(np.iinfo(pixels.dtype).max)
    low, high = window if window is not None else (0, top)
    return shades(np.arange(top + 1), low, high)[pixels]


def shades(values: NDArray[np.generic], low: float, high: float) -> NDArray[np.uint8]:
    """Values in [low, high] to 0..255, rounded; what is outside goes to the nearer end."""
    with np.errstate(over="ignore"):
        share = (np.asarray(values, dtype=np.float64) - low) / (high - low)
    return np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8)


def _fitted(image: Image.Image, frame: Frame) -> NDArray[np.uint8]:
    size = frame.size
    width, height = image.size
    if frame.fit == "crop":
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        return _resized(image.crop((left, top, left + side, top + side)), size, size)
    if frame.fit == "stretch":
        return _resized(image, size, size)
    longer = max(width, height)
    wide, tall = (max(1, round(size * each / longer)) for each in (width, height))
    left, top = (size - wide) // 2, (size - tall) // 2
    square = np.zeros((size, size, frame.channels), dtype=np.uint8)
    square[top : top + tall, left : left + wide] = _resized(image, wide, tall)
    return square


def _resized(image: Image.Image, width: int, height: int) -> NDArray[np.uint8]:
    """The picture as (height, width, channels).

    Each channel is resized in floating point and rounded once: Pillow rounds bytes after the
    columns and again after the rows, which makes pictures brighter.
    """
    grows = width > image.width or height > image.height
    how = Image.Resampling.BILINEAR if grows else Image.Resampling.BOX
    made = [np.array(each.convert("F").resize((width, height), how)) for each in image.split()]
    return np.clip(np.rint(np.stack(made, axis=-1)), 0, 255).astype(np.uint8)
