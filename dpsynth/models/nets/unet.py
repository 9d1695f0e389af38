"""A U-Net over a picture's spectrum laid out as a picture again: detail that has a place."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from dpsynth.models.nets.denoiser import WAVES
from dpsynth.models.nets.visit_net import Codes
from dpsynth.models.waves import Waves
from dpsynth.privacy.spectrum import Spectrum

GROUPS = 8  # of a normalisation; widths are multiples of it
LEAST = 8  # pixels along a side below which nothing is halved again
WIDEST = 4  # times the width at full size


class Convolutions(nn.Module):
    """Two convolutions with group norms, beside a shortcut; noise level and codes scale and shift.

    Shape:
        x: (rows, inputs, s, s); told: (rows, embedding); return: (rows, outputs, s, s)
    """

    def __init__(self, inputs: int, outputs: int, embedding: int) -> None:
        super().__init__()
        self.norm_in, self.norm_out = nn.GroupNorm(GROUPS, inputs), nn.GroupNorm(GROUPS, outputs)
        self.enter = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.leave = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.told = nn.Linear(embedding, 2 * outputs)
        self.short = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """Add what the convolutions say."""
        gain, shift = self.told(told)[:, :, None, None].chunk(2, 1)
        h = self.norm_out(self.enter(functional.silu(self.norm_in(x))))
        return self.leave(functional.silu(h * (1 + gain) + shift)) + self.short(x)


class Stage(nn.Module):
    """All pairs of convolutions at one size.

    Shape:
        x: (rows, inputs, s, s); told: (rows, embedding); return: (rows, outputs, s, s)
    """

    def __init__(self, inputs: int, outputs: int, embedding: int, depth: int) -> None:
        super().__init__()
        widths = [inputs] + [outputs] * (depth - 1)
        self.blocks = nn.ModuleList(Convolutions(each, outputs, embedding) for each in widths)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """One after the other."""
        for block in self.blocks:
            x = block(x, told)
        return x


class UNet(nn.Module):
    """Takes the place of `Denoiser` where all frequencies are drawn; nothing before training.

    What it sees and says are standardised numbers of a spectrum. An orthonormal cosine transform
    lays them out as pixels, with all frequencies about equally loud, and takes them back.

    Args:
        spectrum: what the numbers are; its `kept` is the side of the pixels, a multiple of 2.
        sizes: codes of the fields that pictures are drawn given; none if there are none.
        width: channels at full size, a multiple of 8; doubled at each halving up to four times.
        depth: pairs of convolutions at each size, down and up.

    Shape:
        seen: (rows, 2 * numbers), about standardised
        level: (rows,), logarithm of the noise level
        codes: (rows, fields)
        return: (rows, numbers)

    No layer mixes rows and none depends on the batch, so per-patient gradients are exact.
    """

    waves: Tensor

    def __init__(self, spectrum: Spectrum, sizes: Sequence[int], width: int, depth: int) -> None:
        super().__init__()
        self.register_buffer("waves", 2.0 ** torch.arange(WAVES) / 4.0, persistent=False)
        self.layout = Waves(spectrum, sized=False)
        widths, side = [width], spectrum.kept
        while side % 2 == 0 and side // 2 >= LEAST:
            side //= 2
            widths.append(min(2 * widths[-1], WIDEST * width))
        channels, told = spectrum.channels, 4 * width
        self.level = nn.Linear(2 * WAVES, told)
        self.codes = Codes(sizes, told) if sizes else None
        self.enter = nn.Conv2d(2 * channels, width, 3, padding=1)
        self.down, self.halve = nn.ModuleList(), nn.ModuleList()
        self.up, self.grow = nn.ModuleList(), nn.ModuleList()
        for place, here in enumerate(widths):
            self.down.append(Stage(here, here, told, depth))
            if place + 1 < len(widths):
                deeper = widths[place + 1]
                self.halve.append(nn.Conv2d(here, deeper, 3, stride=2, padding=1))
                self.grow.append(nn.Conv2d(deeper, here, 1))
                self.up.append(Stage(2 * here, here, told, depth))
        self.norm = nn.GroupNorm(GROUPS, width)
        self.leave = nn.Conv2d(width, channels, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        assert self.leave.bias is not None
        nn.init.zeros_(self.leave.bias)

    def forward(self, seen: Tensor, level: Tensor, codes: Tensor) -> Tensor:
        """Say how far the Gaussian's guess is off, in its own standard deviations."""
        phase = level[:, None] * self.waves
        told = self.level(torch.cat([phase.sin(), phase.cos()], -1))
        if self.codes is not None:
            told = told + self.codes(codes)
        told = functional.silu(told)
        h = self.enter(torch.cat([self.layout.pixels(part) for part in seen.chunk(2, 1)], 1))
        passed = []
        for stage, halve in zip(self.down, self.halve, strict=False):
            passed.append(stage(h, told))
            h = halve(passed[-1])
        h = self.down[-1](h, told)
        for place in reversed(range(len(passed))):
            h = functional.interpolate(self.grow[place](h), scale_factor=2.0)
            h = self.up[place](torch.cat([h, passed[place]], 1), told)
        return self.layout.numbers(self.leave(functional.silu(self.norm(h))))
