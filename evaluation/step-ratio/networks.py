"""The four networks whose private step is timed, each with its loss and its rows.

No layer mixes rows. They are networks as dpsynth trains them, written only with layers of torch, so
that every route can run them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

Rows = tuple[Tensor, ...]


@dataclass(frozen=True)
class Task:
    """One network with what its step needs.

    Attributes:
        model: makes the network.
        loss: `loss(model, *rows)` gives one value for each row.
        rows: `rows(n)` makes n rows.
    """

    model: Callable[[], nn.Module]
    loss: Callable[..., Tensor]
    rows: Callable[[int], Rows]


class ResidualBlock(nn.Module):
    """Two convolutions with group norms, steered by the noise level.

    Shape:
        x:      (rows, inputs, height, width)
        level:  (rows, width of the embedding)
        return: (rows, outputs, height, width)
    """

    def __init__(self, inputs: int, outputs: int, embedding: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(8, inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.level = nn.Linear(embedding, outputs)
        self.norm2 = nn.GroupNorm(8, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor, level: Tensor) -> Tensor:
        """Return the block's output."""
        h = self.conv1(functional.silu(self.norm1(x)))
        h = h + self.level(level)[:, :, None, None]
        return self.conv2(functional.silu(self.norm2(h))) + self.skip(x)


class UNet(nn.Module):
    """A denoiser for 28 x 28 grey images: 28, 14 and 7 pixels, with strided convolutions down.

    Shape:
        x:      (rows, 1, 28, 28)
        level:  (rows,), noise level
        return: (rows, 1, 28, 28)
    """

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(32, 96)
        self.first = nn.Conv2d(1, 32, 3, padding=1)
        self.block28 = ResidualBlock(32, 32, 96)
        self.down14 = nn.Conv2d(32, 32, 3, stride=2, padding=1)
        self.block14 = ResidualBlock(32, 64, 96)
        self.down7 = nn.Conv2d(64, 64, 3, stride=2, padding=1)
        self.block7 = ResidualBlock(64, 112, 96)
        self.middle = ResidualBlock(112, 112, 96)
        self.up14 = nn.Conv2d(112, 64, 3, padding=1)
        self.merge14 = ResidualBlock(128, 64, 96)
        self.up28 = nn.Conv2d(64, 32, 3, padding=1)
        self.merge28 = ResidualBlock(64, 32, 96)
        self.norm = nn.GroupNorm(8, 32)
        self.last = nn.Conv2d(32, 1, 3, padding=1)

    def forward(self, x: Tensor, level: Tensor) -> Tensor:
        """Return the denoised images."""
        wave = level[:, None] * torch.arange(1, 17)
        e = functional.silu(self.embed(torch.cat([wave.sin(), wave.cos()], 1)))
        h28 = self.block28(self.first(x), e)
        h14 = self.block14(self.down14(h28), e)
        h = self.middle(self.block7(self.down7(h14), e), e)
        h = self.up14(functional.interpolate(h, scale_factor=2.0))
        h = self.merge14(torch.cat([h, h14], 1), e)
        h = self.up28(functional.interpolate(h, scale_factor=2.0))
        h = self.merge28(torch.cat([h, h28], 1), e)
        return self.last(functional.silu(self.norm(h)))


def critic() -> nn.Module:
    """Make a critic of 28 x 28 grey images, four by four kernels with stride 2."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(32, 64, 4, stride=2, padding=1),
        nn.GroupNorm(8, 64),
        nn.LeakyReLU(0.2),
        nn.Conv2d(64, 128, 4, stride=2, padding=1),
        nn.GroupNorm(8, 128),
        nn.LeakyReLU(0.2),
        nn.Conv2d(128, 128, 4, stride=2, padding=1),
        nn.GroupNorm(8, 128),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(128 * 9, 1),
    )


class Attention(nn.Module):
    """Self-attention over the tokens of a row.

    Shape:
        x, return: (rows, tokens, width)
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return each token's mixture of values."""
        q, k, v = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        h = functional.scaled_dot_product_attention(q, k, v)
        return self.out(h.transpose(1, 2).flatten(2))


class Transformer(nn.Module):
    """Five pre-norm blocks of width 128 over 96 tokens out of 256.

    Shape:
        tokens: (rows, 96), integers
        return: (rows, 96, 256), logits
    """

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(256, 128)
        self.places = nn.Embedding(96, 128)
        self.blocks = nn.ModuleList(
            nn.ModuleDict(
                {
                    "norm1": nn.LayerNorm(128),
                    "attention": Attention(128, 4),
                    "norm2": nn.LayerNorm(128),
                    "wide": nn.Linear(128, 512),
                    "narrow": nn.Linear(512, 128),
                }
            )
            for _ in range(5)
        )
        self.norm = nn.LayerNorm(128)
        self.last = nn.Linear(128, 256)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return each token's logits."""
        places = torch.arange(tokens.shape[1]).expand_as(tokens).contiguous()
        x = self.tokens(tokens) + self.places(places)
        for block in self.blocks:
            x = x + block["attention"](block["norm1"](x))
            x = x + block["narrow"](functional.gelu(block["wide"](block["norm2"](x))))
        return self.last(self.norm(x))


def mlp() -> nn.Module:
    """Make a denoiser of 200 columns."""
    return nn.Sequential(
        nn.Linear(200, 512),
        nn.SiLU(),
        nn.Linear(512, 512),
        nn.SiLU(),
        nn.Linear(512, 512),
        nn.SiLU(),
        nn.Linear(512, 200),
    )


def denoising_loss(model: nn.Module, x: Tensor, level: Tensor) -> Tensor:
    """Return the squared error of each image."""
    return (model(x, level) - x).square().flatten(1).mean(1)


def critic_loss(model: nn.Module, x: Tensor) -> Tensor:
    """Return the hinge loss of each image."""
    return functional.relu(1 - model(x)[:, 0])


def token_loss(model: nn.Module, tokens: Tensor) -> Tensor:
    """Return the mean cross-entropy of each row."""
    return functional.cross_entropy(model(tokens).mT, tokens, reduction="none").mean(1)


def reconstruction_loss(model: nn.Module, x: Tensor) -> Tensor:
    """Return the squared error of each row."""
    return (model(x) - x).square().mean(1)


TASKS = {
    "unet": Task(UNet, denoising_loss, lambda n: (torch.randn(n, 1, 28, 28), torch.rand(n))),
    "critic": Task(critic, critic_loss, lambda n: (torch.randn(n, 1, 28, 28),)),
    "transformer": Task(Transformer, token_loss, lambda n: (torch.randint(256, (n, 96)),)),
    "mlp": Task(mlp, reconstruction_loss, lambda n: (torch.randn(n, 200),)),
}
