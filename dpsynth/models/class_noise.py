"""What the noise leaves of each class of pictures: how a model tells which classes it lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from dpsynth.privacy.spectrum import Spectrum


@dataclass(frozen=True, kw_only=True)
class ClassNoise:
    """The mean picture of one class, as it was measured with noise.

    Guarantee:
        Every field is a function of the door's answers and of public numbers.

    Attributes:
        name: category of the label.
        units: how many patients have it, with noise.
        noise: standard deviation of the noise of a pixel, in shades of 256.
        signal: how far the class's mean picture is from that of all, root mean square over
            pixels, in shades; noise's own part is taken off, so it is 0 where noise explains it.
    """

    name: str
    units: float
    noise: float
    signal: float

    @property
    def lost(self) -> bool:
        """Whether the class can't be told from noise."""
        return self.signal <= self.noise


@runtime_checkable
class ByClass(Protocol):
    """A model that can say what noise left of each class."""

    def by_class(self) -> tuple[ClassNoise, ...]:
        """One for each category of the label, in its order; none without classes."""


def class_noise(
    names: tuple[str, ...],
    counts: np.ndarray,
    sums: np.ndarray,
    noise_sd: float,
    spectrum: Spectrum,
) -> tuple[ClassNoise, ...]:
    """Say it of noisy sums.

    Both transforms of a picture, of frequencies and of colours, keep lengths: squares of pixels
    add up to squares of its numbers times their public sizes.

    Args:
        names: (classes,)
        counts: (classes,) noisy numbers of patients.
        sums: (classes, width) of spectra, with noise.
        noise_sd: of one cell of `sums`.
        spectrum: what the numbers are.
    """
    square = spectrum.scale[spectrum.held] ** 2
    pixels = spectrum.size**2 * spectrum.channels
    level = spectrum.even(sums)
    apart = level / counts[:, None] - level.sum(axis=0) / counts.sum()
    noise = (noise_sd / counts) ** 2 * (square * spectrum.free).sum() / pixels
    seen = (apart**2 * square).sum(axis=1) / pixels
    shades = 127.5
    return tuple(
        ClassNoise(
            name=name,
            units=float(count),
            noise=float(shades * n**0.5),
            signal=float(shades * max(s - n, 0.0) ** 0.5),
        )
        for name, count, n, s in zip(names, counts, noise, seen, strict=True)
    )
