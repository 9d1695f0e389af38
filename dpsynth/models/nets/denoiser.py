"""A small network over a picture's spectrum: what a Gaussian does not know of it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from dpsynth.models.nets.visit_net import Codes

WAVES = 8  # of the noise level


class Denoiser(nn.Module):
    """A perceptron whose first layer is scaled by the noise level; nothing before training.

    What is to be said of a number rises the steeper, the less noise there is: a product of both,
    which a network that adds the level up has to find first, and steps are few.

    Args:
        numbers: of a spectrum.
        sizes: codes of the fields that pictures are drawn given; none if there are none.
        width: of the layers.
        depth: hidden layers, the first included.

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
        self.level = nn.Linear(2 * WAVES, 2 * width)
        self.codes = Codes(sizes, width) if sizes else None
        self.hidden = nn.ModuleList(nn.Linear(width, width) for _ in range(depth - 1))
        self.leave = nn.Linear(width, numbers)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, seen: Tensor, level: Tensor, codes: Tensor) -> Tensor:
        """Say how far the Gaussian's guess is off, in its own standard deviations."""
        phase = level[:, None] * self.waves
        gain, shift = self.level(torch.cat([phase.sin(), phase.cos()], -1)).chunk(2, -1)
        x = self.enter(seen) * (1 + gain) + shift
        if self.codes is not None:
            x = x + self.codes(codes)
        x = functional.gelu(x)
        for layer in self.hidden:
            x = x + functional.gelu(layer(x))
        return self.leave(x)
