"""A small network over a picture's spectrum: what a Gaussian does not know of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dpsynth.models.nets.visit_net import Block, Codes

WAVES = 8  # of the noise level


class Denoiser(nn.Module):
    """A perceptron with residual blocks; nothing before training.

    Args:
        numbers: of a spectrum.
        sizes: codes of the fields that pictures are drawn given; none if there are none.
        width, depth: of the blocks.

    Shape:
        seen: (rows, 2 * numbers), about standardised
        level: (rows,), logarithm of the noise level
        codes: (rows, fields)
        return: (rows, numbers)

    No layer mixes rows, so per-patient gradients are exact.
    """

    waves: Tensor

    def __init__(self, numbers: int, sizes: Sequence[int], width: int, depth: int) -> None:
        super().__init__()
        self.register_buffer("waves", 2.0 ** torch.arange(WAVES) / 4.0, persistent=False)
        self.enter = nn.Linear(2 * numbers, width)
        self.level = nn.Linear(2 * WAVES, width)
        self.codes = Codes(sizes, width) if sizes else None
        self.blocks = nn.Sequential(*(Block(width) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.leave = nn.Linear(width, numbers)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, seen: Tensor, level: Tensor, codes: Tensor) -> Tensor:
        """Say how far the Gaussian's guess is off, in its own standard deviations."""
        phase = level[:, None] * self.waves
        x = self.enter(seen) / math.sqrt(2)
        x = x + self.level(torch.cat([phase.sin(), phase.cos()], -1))
        if self.codes is not None:
            x = x + self.codes(codes)
        return self.leave(self.norm(self.blocks(x)))
