"""A spectrum's cosine transform in torch, both ways, so that gradients can pass through it."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from dpsynth.privacy.spectrum import COLOURS, Spectrum


def pixels_of(pictures: Tensor) -> Tensor:
    """(rows, size, size, channels) uint8 -> (rows, channels, size, size) in [-1, 1]."""
    return (pictures.float() / 127.5 - 1.0).permute(0, 3, 1, 2)


def pictures_of(pixels: Tensor) -> np.ndarray:
    """Inverse of `pixels_of`; what is out of range is clamped."""
    shades = ((pixels.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return shades.permute(0, 2, 3, 1).cpu().numpy()


class Waves:
    """`Spectrum.of`, and its inverse without rounding.

    Args:
        spectrum: which frequencies, and their public sizes.
        sized: whether numbers are in those sizes. If not, all frequencies count alike, colours
            stay their three differences, and the picture has `kept` pixels along a side.
    """

    def __init__(self, spectrum: Spectrum, sized: bool = True) -> None:
        self.spectrum, self.sized = spectrum, sized
        side = spectrum.size if sized else spectrum.kept
        place = (np.arange(side) + 0.5) * math.pi / side
        waves = np.cos(place[None, :] * np.arange(spectrum.kept)[:, None])
        waves *= np.where(np.arange(spectrum.kept) == 0, 1.0, 2.0**0.5)[:, None]
        self._waves = torch.tensor(waves / side**0.5, dtype=torch.float32)
        scale = spectrum.scale if sized else np.ones(spectrum.held.shape)
        self._scale = torch.tensor(scale.copy(), dtype=torch.float32)
        self._held = torch.from_numpy(spectrum.held.flatten().nonzero()[0])
        self._colours = torch.tensor(COLOURS, dtype=torch.float32)

    def of(self, pictures: Tensor) -> Tensor:
        """(rows, size, size, channels) uint8 -> (rows, width)."""
        return self.numbers(pixels_of(pictures))

    def numbers(self, pixels: Tensor) -> Tensor:
        """(rows, channels, side, side), about in [-1, 1] -> (rows, width)."""
        if self._mixed:
            pixels = torch.einsum("kc,bcij->bkij", self._colours.to(pixels.device), pixels)
        waves = self._waves.to(pixels.device)
        low = torch.einsum("ui,bcij,vj->bcuv", waves, pixels, waves)
        whole = (low / self._scale.to(pixels.device)).flatten(1)
        return whole[:, self._held.to(pixels.device)]

    def pixels(self, numbers: Tensor) -> Tensor:
        """Inverse of `numbers`; what was cut off is nothing."""
        spectrum, device = self.spectrum, numbers.device
        whole = torch.zeros(len(numbers), self._scale.numel(), device=device)
        whole = whole.index_copy(1, self._held.to(device), numbers)
        low = whole.view(-1, spectrum.channels, spectrum.kept, spectrum.kept)
        waves = self._waves.to(device)
        found = torch.einsum("ui,bcuv,vj->bcij", waves, low * self._scale.to(device), waves)
        if self._mixed:
            found = torch.einsum("bkij,kc->bcij", found, self._colours.to(device))
        return found

    @property
    def _mixed(self) -> bool:
        """Whether pixels are colours of which numbers hold the differences."""
        return self.sized and self.spectrum.channels == 3
