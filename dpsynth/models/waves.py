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
    """

    def __init__(self, spectrum: Spectrum) -> None:
        self.spectrum = spectrum
        place = (np.arange(spectrum.size) + 0.5) * math.pi / spectrum.size
        waves = np.cos(place[None, :] * np.arange(spectrum.kept)[:, None])
        waves *= np.where(np.arange(spectrum.kept) == 0, 1.0, 2.0**0.5)[:, None]
        self._waves = torch.tensor(waves / spectrum.size**0.5, dtype=torch.float32)
        self._scale = torch.tensor(spectrum.scale.copy(), dtype=torch.float32)
        self._held = torch.from_numpy(spectrum.held.flatten().nonzero()[0])
        self._colours = torch.tensor(COLOURS, dtype=torch.float32)

    def of(self, pictures: Tensor) -> Tensor:
        """(rows, size, size, channels) uint8 -> (rows, width)."""
        pixels = pictures.float() / 127.5 - 1.0
        if self.spectrum.channels == 3:
            pixels = pixels @ self._colours.to(pixels.device).T
        waves = self._waves.to(pixels.device)
        low = torch.einsum("ui,bijc,vj->bcuv", waves, pixels, waves)
        whole = (low / self._scale.to(pixels.device)).flatten(1)
        return whole[:, self._held.to(pixels.device)]

    def pixels(self, numbers: Tensor) -> Tensor:
        """(rows, width) -> (rows, channels, size, size), about in [-1, 1]."""
        spectrum, device = self.spectrum, numbers.device
        whole = torch.zeros(len(numbers), self._scale.numel(), device=device)
        whole = whole.index_copy(1, self._held.to(device), numbers)
        low = whole.view(-1, spectrum.channels, spectrum.kept, spectrum.kept)
        waves = self._waves.to(device)
        found = torch.einsum("ui,bcuv,vj->bcij", waves, low * self._scale.to(device), waves)
        if spectrum.channels == 3:
            found = torch.einsum("bkij,kc->bcij", found, self._colours.to(device))
        return found
