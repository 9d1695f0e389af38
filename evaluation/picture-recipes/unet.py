"""A small conditional U-Net for pictures of 28 pixels, and EDM's preconditioning about it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

WAVES = 8  # of the noise level
SPREAD = 0.5  # taken, for all pictures, as the deviation of a pixel in [-1, 1]; public


class Block(nn.Module):
    """Two convolutions with group norms, steered by noise level and class.

    Shape:
        x: (rows, inputs, s, s); told: (rows, embedding); return: (rows, outputs, s, s)
    """

    def __init__(self, inputs: int, outputs: int, embedding: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(4, inputs), nn.GroupNorm(4, outputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.told = nn.Linear(embedding, outputs)
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """Return the block's output."""
        h = self.conv1(functional.silu(self.norm1(x))) + self.told(told)[:, :, None, None]
        return self.conv2(functional.silu(self.norm2(h))) + self.skip(x)


class UNet(nn.Module):
    """Guess the clean picture D of a noisy one x; letters are those of Karras et al. 2022.

    Args:
        channels, classes: of pictures.
        width: channels at full size, doubled at half of it.

    Shape:
        x: (rows, channels, s, s), s a multiple of 4; sigma, code: (rows,)
        return: (rows, channels, s, s)

    No layer mixes rows, so per-patient gradients are exact.
    """

    waves: Tensor

    def __init__(self, channels: int, classes: int, width: int = 16) -> None:
        super().__init__()
        self.register_buffer("waves", 2.0 ** torch.arange(WAVES) / 4.0, persistent=False)
        one, two, embedding = width, 2 * width, 4 * width
        self.level = nn.Linear(2 * WAVES, embedding)
        self.code = nn.Embedding(classes, embedding)
        self.first = nn.Conv2d(channels, one, 3, padding=1)
        self.fine = Block(one, one, embedding)
        self.down1 = nn.Conv2d(one, two, 3, stride=2, padding=1)
        self.middle = Block(two, two, embedding)
        self.down2 = nn.Conv2d(two, two, 3, stride=2, padding=1)
        self.coarse = Block(two, two, embedding)
        self.merge2 = Block(2 * two, two, embedding)
        self.up1 = nn.Conv2d(two, one, 1)
        self.merge1 = Block(2 * one, one, embedding)
        self.norm = nn.GroupNorm(4, one)
        self.last = nn.Conv2d(one, channels, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x: Tensor, sigma: Tensor, code: Tensor) -> Tensor:
        """D = c_skip x + c_out F(c_in x; c_noise)."""
        s = sigma[:, None, None, None]
        total = (s.square() + SPREAD**2).sqrt()
        F = self.net(x / total, sigma.log() / 4, code)
        return x * SPREAD**2 / total.square() + F * s * SPREAD / total

    def net(self, x: Tensor, level: Tensor, code: Tensor) -> Tensor:
        """F, before preconditioning."""
        phase = level[:, None] * self.waves * 4
        told = self.level(torch.cat([phase.sin(), phase.cos()], 1)) + self.code(code)
        told = functional.silu(told)
        fine = self.fine(self.first(x), told)
        middle = self.middle(self.down1(fine), told)
        h = functional.interpolate(self.coarse(self.down2(middle), told), scale_factor=2.0)
        h = self.merge2(torch.cat([h, middle], 1), told)
        h = functional.interpolate(self.up1(h), scale_factor=2.0)
        h = self.merge1(torch.cat([h, fine], 1), told)
        return self.last(functional.silu(self.norm(h)))
