"""Pictures as few numbers: low frequencies, made about equally large by public weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.fft import dctn, idctn

FALL = 1.5  # power by which a frequency's size is taken to fall
GREY_SD = 0.5  # of a pixel in [-1, 1], taken for all pictures
# Rows: brightness, blue against yellow, red against green; orthonormal (Ohta et al. 1980).
COLOURS = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])


@dataclass(frozen=True, kw_only=True)
class Spectrum:
    """The lowest frequencies of a picture's cosine transform, each over its public size.

    Guarantee:
        A picture's numbers are a function of that picture and of public numbers alone.

    Attributes:
        size: pixels of the square.
        channels: 1 or 3.
        kept: frequencies along each side.
    """

    size: int
    channels: int
    kept: int

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not 1 <= self.kept <= self.size:
            raise ValueError(f"kept must be in 1..{self.size}, got {self.kept!r}")

    @property
    def width(self) -> int:
        """How many numbers a picture has."""
        return self.channels * self.kept**2

    @property
    def scale(self) -> np.ndarray:
        """(channels, kept, kept) public sizes: a power law with all of a grey picture's power."""
        place = np.arange(self.size)
        power = (1.0 + np.hypot(place[:, None], place[None, :])) ** (-2 * FALL)
        power *= (self.size * GREY_SD) ** 2 / power.sum()
        each = np.sqrt(power[: self.kept, : self.kept])
        return np.broadcast_to(each, (self.channels, self.kept, self.kept))

    def of(self, pictures: np.ndarray) -> np.ndarray:
        """(rows, size, size, channels) uint8 -> (rows, width)."""
        pixels = pictures.astype(np.float64) / 127.5 - 1.0
        if self.channels == 3:
            pixels = pixels @ COLOURS.T
        low = dctn(pixels, axes=(1, 2), norm="ortho")[:, : self.kept, : self.kept]
        return (low.transpose(0, 3, 1, 2) / self.scale).reshape(len(pictures), self.width)

    def back(self, numbers: np.ndarray) -> np.ndarray:
        """(rows, width) -> (rows, size, size, channels) uint8; what was cut off is nothing."""
        rows = len(numbers)
        low = numbers.reshape(rows, self.channels, self.kept, self.kept) * self.scale
        whole = np.zeros((rows, self.size, self.size, self.channels))
        whole[:, : self.kept, : self.kept] = low.transpose(0, 2, 3, 1)
        pixels = idctn(whole, axes=(1, 2), norm="ortho")
        if self.channels == 3:
            pixels = pixels @ COLOURS
        return np.rint((np.clip(pixels, -1.0, 1.0) + 1.0) * 127.5).astype(np.uint8)
