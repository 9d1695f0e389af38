"""The generator: changes to the logits of a drawn record, none at the start."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from dpsynth.models.nets.critic import scale_by_fields
from dpsynth.models.nets.visit_net import Block

NOISE = 8  # numbers per record, which let changes of several fields go together


class Attention(nn.Module):
    """Residual attention of each position to all that took place.

    Shape:
        x: (rows, positions, width); there: (rows, positions), whether a position counts
        return: (rows, positions, width)
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width must be a multiple of heads, got {width} and {heads}")
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.enter = nn.Linear(width, 3 * width)
        self.leave = nn.Linear(width, width)

    def forward(self, x: Tensor, there: Tensor) -> Tensor:
        """Add what the others say."""
        rows, positions, width = x.shape
        split = self.enter(self.norm(x)).view(rows, positions, 3, self.heads, width // self.heads)
        q, k, v = split.permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-1, -2) * (width // self.heads) ** -0.5
        scores = scores.masked_fill(~there[:, None, None, :], float("-inf"))
        mixed = scores.softmax(-1) @ v
        return x + self.leave(mixed.transpose(1, 2).reshape(rows, positions, width))


class Refiner(nn.Module):
    """What to add to each token's logits, from the whole record as it was drawn, and noise.

    Args:
        static_sizes, visit_sizes: codes of each field.
        max_visits: longest record.
        width, depth: of the hidden states; of attention and perceptron in turn.
        heads: of attention.

    Shape:
        static: (rows, sum of static sizes); visits: (rows, max_visits, sum of visit sizes);
        inside: (rows, max_visits); noise: (rows, NOISE)
        return: changes in the shapes of static and visits; zeros before any training

    It meets generated records only.
    """

    def __init__(
        self,
        static_sizes: Sequence[int],
        visit_sizes: Sequence[int],
        max_visits: int,
        *,
        width: int,
        depth: int,
        heads: int,
    ) -> None:
        super().__init__()
        self.facts = nn.Linear(sum(static_sizes), width)
        scale_by_fields(self.facts, len(static_sizes))
        self.noise = nn.Linear(NOISE, width)
        self.turn = nn.Embedding(max_visits + 1, width)
        self.mix = nn.ModuleList(Attention(width, heads) for _ in range(depth))
        self.blocks = nn.ModuleList(Block(width) for _ in range(depth))
        self.static_head = _silent(width, sum(static_sizes))
        self.max_visits = max_visits
        if max_visits:
            self.visits = nn.Linear(sum(visit_sizes), width)
            scale_by_fields(self.visits, len(visit_sizes))
            self.head = _silent(width, sum(visit_sizes))
            self.bias = nn.Parameter(torch.zeros(max_visits, sum(visit_sizes)))

    def forward(
        self, static: Tensor, visits: Tensor, inside: Tensor, noise: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Changes of logits: of the static facts, of the visits."""
        x = self.facts(static)[:, None]
        if self.max_visits:
            x = torch.cat([x, self.visits(visits)], 1)
        x = x + self.turn.weight + self.noise(noise)[:, None]
        there = functional.pad(inside > 0, (1, 0), value=True)
        for mix, block in zip(self.mix, self.blocks, strict=True):
            x = block(mix(x, there))
        changed = self.head(x[:, 1:]) + self.bias if self.max_visits else visits
        return self.static_head(x[:, 0]), changed


def _silent(width: int, size: int) -> nn.Sequential:
    """A head that says nothing until it is trained."""
    last = nn.Linear(width, size)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.LayerNorm(width), last)
