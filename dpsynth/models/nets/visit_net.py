"""A network over a patient's record that shares its weights over visits."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class Codes(nn.Module):
    """Sum of one embedding per field; the code `size` of a field is its mask.

    One product with a row of zeros and ones: for many small fields that is far cheaper than
    looking up each embedding and adding them up.

    Shape:
        codes: (..., fields), each in 0..size (size = masked)
        return: (..., width)
    """

    offset: Tensor

    def __init__(self, sizes: Sequence[int], width: int) -> None:
        super().__init__()
        starts = [0]
        for size in sizes:
            starts.append(starts[-1] + size + 1)
        self.codes = starts[-1]
        self.register_buffer("offset", torch.tensor(starts[:-1]), persistent=False)
        self.table = nn.Linear(self.codes, width, bias=False)
        nn.init.normal_(self.table.weight, std=max(len(sizes), 1) ** -0.5)

    def forward(self, codes: Tensor) -> Tensor:
        """Embed."""
        rows = torch.zeros(*codes.shape[:-1], self.codes, device=codes.device)
        return self.table(rows.scatter(-1, codes + self.offset, 1.0))


class Block(nn.Module):
    """A residual two-layer perceptron on each position of its own.

    Shape:
        x: (..., width) -> (..., width)
    """

    def __init__(self, width: int, wider: int = 2) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.enter = nn.Linear(width, wider * width)
        self.leave = nn.Linear(wider * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Add what the perceptron says."""
        return x + self.leave(functional.gelu(self.enter(self.norm(x))))


class CausalAttention(nn.Module):
    """Residual attention of each position to itself and earlier ones.

    Shape:
        x: (batch, time, width) -> (batch, time, width)

    No layer mixes patients, so per-patient gradients are exact.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width must be a multiple of heads, got {width} and {heads}")
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.enter = nn.Linear(width, 3 * width)
        self.leave = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Add what earlier positions say."""
        batch, time, width = x.shape
        split = self.enter(self.norm(x)).view(batch, time, 3, self.heads, width // self.heads)
        q, k, v = split.permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-1, -2) * (width // self.heads) ** -0.5
        later = torch.ones(time, time, dtype=torch.bool, device=x.device).triu(1)
        mixed = scores.masked_fill(later, float("-inf")).softmax(-1) @ v
        return x + self.leave(mixed.transpose(1, 2).reshape(batch, time, width))


def head(width: int, codes: int) -> nn.Sequential:
    """Logits of hidden states; zero at first, so that a network starts from its base."""
    last = nn.Linear(width, codes)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.LayerNorm(width), last)


class VisitNet(nn.Module):
    """Logits of every token of a patient's visits, or of the facts where there are no visits.

    A visit is predicted from the static facts, all earlier visits unmasked, and what is
    unmasked of the visit itself; static facts, where they are all, from what is unmasked of
    them. Weights are shared over visits (block diffusion, Arriola et al. 2025, with a visit as
    a block).

    Args:
        static_sizes: codes of each static field (the number of visits is one of them).
        visit_sizes: codes of each visit field.
        max_visits: longest record.
        width: of the hidden states.
        depth: perceptrons that see the visit itself.
        heads: of attention.
    """

    def __init__(
        self,
        static_sizes: Sequence[int],
        visit_sizes: Sequence[int],
        max_visits: int,
        *,
        width: int = 128,
        depth: int = 2,
        heads: int = 4,
    ) -> None:
        super().__init__()
        self.max_visits = max_visits
        if not max_visits:
            self.static_codes = Codes(static_sizes, width)
            self.static_blocks = nn.Sequential(Block(width), Block(width))
            self.static_head = head(width, sum(static_sizes))
            return
        self.facts = Codes(static_sizes, width)
        self.history = Codes(visit_sizes, width)
        self.turn = nn.Embedding(max_visits + 1, width)
        self.mix = nn.Sequential(CausalAttention(width, heads), Block(width))
        self.now = Codes(visit_sizes, width)
        self.blocks = nn.Sequential(*(Block(width) for _ in range(depth)))
        self.head = head(width, sum(visit_sizes))

    def static_logits(self, static: Tensor) -> Tensor:
        """(batch, fields) partly masked codes -> (batch, sum of sizes)."""
        return self.static_head(self.static_blocks(self.static_codes(static)))

    def context(self, static: Tensor, visits: Tensor) -> Tensor:
        """What is known after the static facts, after the first visit, and so on.

        Shape:
            static: (batch, fields) unmasked
            visits: (batch, time, fields) unmasked
            return: (batch, time + 1, width); visit t may see position t, not t + 1
        """
        tokens = torch.cat([self.facts(static)[:, None], self.history(visits)], 1)
        places = torch.arange(tokens.shape[1], device=visits.device)
        return self.mix(tokens + self.turn(places.expand(len(tokens), -1)))

    def visit_logits(self, context: Tensor, visits: Tensor) -> Tensor:
        """Context and partly masked visits (..., fields) -> (..., sum of sizes)."""
        return self.head(self.blocks(context + self.now(visits)))
