"""The generator's network of pictures: what to add to a drawn spectrum; nothing at first."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dpsynth.models.nets.visit_net import Block, Codes

NOISE = 16  # numbers of noise, for what no drawn spectrum holds


class SpectrumRefiner(nn.Module):
    """A perceptron with residual blocks.

    Args:
        numbers: of a spectrum.
        sizes: codes of the fields beside the picture; none if there are none.
        width, depth: of the blocks.

    Shape:
        spectra: (rows, numbers); noise: (rows, NOISE); codes: (rows, fields)
        return: (rows, numbers)
    """

    def __init__(self, numbers: int, sizes: Sequence[int], width: int, depth: int) -> None:
        super().__init__()
        self.enter = nn.Linear(numbers + NOISE, width)
        self.codes = Codes(sizes, width) if sizes else None
        self.blocks = nn.Sequential(*(Block(width) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.leave = nn.Linear(width, numbers)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, spectra: Tensor, noise: Tensor, codes: Tensor) -> Tensor:
        """Say what to add."""
        x = self.enter(torch.cat([spectra, noise], 1))
        if self.codes is not None:
            x = x + self.codes(codes)
        return self.leave(self.norm(self.blocks(x)))
