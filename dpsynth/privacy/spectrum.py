"""Pictures as few numbers: low frequencies, made about equally large by public weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.fft import dctn, idctn

FALL = 1.5  # power by which a frequency's size is taken to fall
GREY_SD = 0.5  # of a pixel in [-1, 1], taken for all pictures
# Of a picture in colour: sizes of brightness, blue against yellow, and red against green, in
# units of a grey picture's; eyes and cameras resolve colour at half the lines of brightness, and
# JPEG and broadcasting keep no more (ITU-R BT.601, 4:2:0).
COLOUR_SIZES = (1.0, 1 / 3, 1 / 6)
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
        kept: frequencies along each side; of the two differences of colours, half as many.
        upright: whether pictures have one way up; if not, all eight ways are alike.
    """

    size: int
    channels: int
    kept: int
    upright: bool = True

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not 1 <= self.kept <= self.size:
            raise ValueError(f"kept must be in 1..{self.size}, got {self.kept!r}")

    @property
    def width(self) -> int:
        """How many numbers a picture has."""
        return int(self.held.sum())

    @property
    def held(self) -> np.ndarray:
        """(channels, kept, kept) which frequencies a picture's numbers are, in that order."""
        place = np.maximum(*np.indices((self.kept, self.kept)))
        most = np.array([self.kept, *[(self.kept + 1) // 2] * (self.channels - 1)])
        return place < most[:, None, None]

    def places_in(self, finer: Spectrum) -> np.ndarray:
        """(width,) where this spectrum's numbers stand among those of a finer one."""
        order = np.full(finer.held.shape, -1)
        order[finer.held] = np.arange(finer.width)
        return np.asarray(order[:, : self.kept, : self.kept][self.held])

    @property
    def bands(self) -> np.ndarray:
        """(width,) a code for each colour and octave: 0 and 1, 2 and 3, 4 to 7, 8 to 15, ..."""
        place = np.maximum(*np.indices((self.kept, self.kept)))
        octave = np.floor(np.log2(np.maximum(place, 1))).astype(np.int64)
        colour = np.arange(self.channels)[:, None, None]
        return np.asarray((8 * colour + octave)[self.held])

    @property
    def upper(self) -> np.ndarray:
        """(width,) bool: of the finer half of the frequencies, where outlines and edges are."""
        place = np.maximum(*np.indices((self.kept, self.kept)))
        return np.broadcast_to(place >= self.kept // 2, self.held.shape)[self.held]

    def rings(self, coarse: Spectrum) -> np.ndarray:
        """(width,) a code for each colour and half octave beyond a coarser spectrum; -1 within.

        Codes are 0, 1, ... without gaps. Half octaves end at 2^k and 3 * 2^(k - 1).
        """
        down, right = np.indices((self.kept, self.kept))
        place = np.maximum(np.maximum(down, right), 1)
        octave = np.floor(np.log2(place)).astype(np.int64)
        half = (2 * place >= 3 * 2**octave).astype(np.int64)
        colour = np.arange(self.channels)[:, None, None]
        whole = (colour * 2 * self.size + 2 * octave + half)[self.held]
        whole[coarse.places_in(self)] = -1
        beyond = whole >= 0
        whole[beyond] = np.unique(whole[beyond], return_inverse=True)[1]
        return np.asarray(whole)

    @property
    def ways(self) -> tuple[np.ndarray, np.ndarray]:
        """What turning and mirroring does: numbers change places and signs.

        Shape:
            return: (ways, width) places, (ways, width) signs: way w makes of numbers z
            z[places[w]] * signs[w]. One way for upright pictures, else eight.
        """
        order = np.full(self.held.shape, -1)
        order[self.held] = np.arange(self.width)
        down, right = np.indices((self.kept, self.kept))
        places, signs = [], []
        for swap in (False,) if self.upright else (False, True):
            for turned in ((0, 0),) if self.upright else ((0, 0), (0, 1), (1, 0), (1, 1)):
                sign = (-1.0) ** (turned[0] * down + turned[1] * right)
                whole = np.broadcast_to(sign, self.held.shape)
                signs.append(whole[self.held])
                places.append((order.transpose(0, 2, 1) if swap else order)[self.held])
        return np.array(places), np.array(signs)

    def even(self, numbers: np.ndarray) -> np.ndarray:
        """(..., width) means -> their mean over all ways."""
        return np.asarray(
            np.mean([numbers[..., p] * s for p, s in zip(*self.ways, strict=True)], axis=0)
        )

    def even_products(self, moments: np.ndarray) -> np.ndarray:
        """(..., width, width) moments -> their mean over all ways."""
        return np.asarray(
            np.mean(
                [
                    moments[..., p, :][..., p] * np.outer(s, s)
                    for p, s in zip(*self.ways, strict=True)
                ],
                axis=0,
            )
        )

    @property
    def free(self) -> np.ndarray:
        """(width,) share of each number's noise, squared, that `even` leaves."""
        places, signs = self.ways
        return np.asarray((signs * (places == np.arange(self.width))).mean(axis=0))

    def freedom(self, here: np.ndarray) -> float:
        """How many of those numbers `even` leaves free: noise keeps that share of its square.

        The mean over ways is a projection, whose trace is the mean of the ways' traces.

        Args:
            here: (width,) bool; ways must not lead out of it.
        """
        return float(self.free[here].sum())

    def freedom_of_products(self, one: np.ndarray, other: np.ndarray) -> float:
        """The same of products of a number of `one` and a number of `other`."""
        return float(np.mean(self._traces(one) * self._traces(other)))

    def _traces(self, here: np.ndarray) -> np.ndarray:
        places, signs = self.ways
        return np.asarray((signs * (places == np.arange(self.width)))[:, here].sum(axis=1))

    @property
    def scale(self) -> np.ndarray:
        """(channels, kept, kept) public sizes: a power law with all of a grey picture's power."""
        place = np.arange(self.size)
        power = (1.0 + np.hypot(place[:, None], place[None, :])) ** (-2 * FALL)
        power *= (self.size * GREY_SD) ** 2 / power.sum()
        each = np.sqrt(power[: self.kept, : self.kept])
        sizes = COLOUR_SIZES if self.channels == 3 else (1.0,)
        return np.stack([size * each for size in sizes])

    def of(self, pictures: np.ndarray) -> np.ndarray:
        """(rows, size, size, channels) uint8 -> (rows, width)."""
        pixels = pictures.astype(np.float64) / 127.5 - 1.0
        if self.channels == 3:
            pixels = pixels @ COLOURS.T
        low = dctn(pixels, axes=(1, 2), norm="ortho")[:, : self.kept, : self.kept]
        return np.asarray((low.transpose(0, 3, 1, 2) / self.scale)[:, self.held])

    def back(self, numbers: np.ndarray) -> np.ndarray:
        """(rows, width) -> (rows, size, size, channels) uint8; what was cut off is nothing."""
        rows = len(numbers)
        low = np.zeros((rows, self.channels, self.kept, self.kept))
        low[:, self.held] = numbers
        low *= self.scale
        whole = np.zeros((rows, self.size, self.size, self.channels))
        whole[:, : self.kept, : self.kept] = low.transpose(0, 2, 3, 1)
        pixels = idctn(whole, axes=(1, 2), norm="ortho")
        if self.channels == 3:
            pixels = pixels @ COLOURS
        return np.rint((np.clip(pixels, -1.0, 1.0) + 1.0) * 127.5).astype(np.uint8)
