"""Random numbers for maskings and augmentations: each row's own, whoever else is in the batch."""

from __future__ import annotations

import math

import torch
from torch import Tensor

# SplitMix64 (Steele, Lea, Flood 2014), as signed 64-bit numbers; products wrap around.
_GAMMA = 0x9E3779B97F4A7C15 - 2**64
_FIRST = 0xBF58476D1CE4E5B9 - 2**64
_SECOND = 0x94D049BB133111EB - 2**64


class RowDraws:
    """Uniforms of each row: a hash of the row's own key, the step's seed and the place drawn.

    Guarantee:
        What a row draws depends on its key, its view, the seed and the order of calls: not on
        the other rows, nor on its place among them. So with any seed, even a known one, adding
        a patient changes nobody else's maskings, and a sum of clipped gradients moves by at
        most the clipping norm. (One generator for the whole batch would give every later
        patient other maskings, and the bound would hold on average over seeds only.)

    Args:
        keys: (patients,) int64, a hash of each patient's key.
        seed: of this step.
        views: rows of each patient, next to each other.
    """

    def __init__(self, keys: Tensor, seed: int, views: int = 1) -> None:
        turn = torch.arange(views, device=keys.device)
        step = _mixed(torch.tensor(seed, device=keys.device) + turn * _GAMMA)
        self._start = _mixed(keys[:, None] ^ step).reshape(-1, 1)
        self._drawn = 0

    def uniform(self, *shape: int) -> Tensor:
        """(rows, *shape) uniforms in [0, 1), float32 at 24 bits."""
        count = math.prod(shape)
        places = torch.arange(1, count + 1, device=self._start.device) + self._drawn
        self._drawn += count
        words = _mixed(self._start + places * _GAMMA)
        return (_shifted(words, 40).float() * 2.0**-24).view(len(words), *shape)


def normals(draws: RowDraws, *shape: int) -> Tensor:
    """(rows, *shape) standard normals of each row's own, float32, from its uniforms."""
    between = draws.uniform(*shape).double() + 2.0**-25  # never 0 or 1; in 32 bits it may be
    return torch.special.ndtri(between).float()


def _shifted(words: Tensor, bits: int) -> Tensor:
    """To the right, zeros coming in from the left."""
    return (words >> bits) & ((1 << (64 - bits)) - 1)


def _mixed(words: Tensor) -> Tensor:
    words = (words ^ _shifted(words, 30)) * _FIRST
    words = (words ^ _shifted(words, 27)) * _SECOND
    return words ^ _shifted(words, 31)
