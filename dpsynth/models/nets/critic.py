"""The critic of a patient's record: small, since noise grows with its weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class Critic(nn.Module):
    """One score per record, high for what looks real.

    A sum of products of two linear readings of the record (a factorisation machine): of a
    visit with itself, with the visit before, and with the static facts; of the static facts
    with themselves; and one linear reading of everything. So the score's gradient at a token
    says what another code there would score, which is all that the generator learns from.

    Args:
        static_sizes, visit_sizes: codes of each field.
        max_visits: longest record.
        width: products of each kind.

    Shape:
        static: (rows, sum of static sizes); visits: (rows, max_visits, sum of visit sizes),
        zeros after the last visit; inside: (rows, max_visits), 1.0 at visits that took place
        return: (rows,)

    No layer mixes patients and none depends on the batch, so per-patient gradients are exact.
    """

    def __init__(
        self, static_sizes: Sequence[int], visit_sizes: Sequence[int], max_visits: int, width: int
    ) -> None:
        super().__init__()
        self.max_visits = max_visits
        facts, fields = sum(static_sizes), sum(visit_sizes)
        self.fact = nn.Linear(facts, 1)
        nn.init.zeros_(self.fact.weight)
        self.facts = _reading(facts, 2 * width, len(static_sizes))
        self.facts_score = nn.Linear(width, 1)
        nn.init.zeros_(self.facts_score.weight)
        if not max_visits:
            return
        self.code = nn.Linear(max_visits * fields, 1)
        nn.init.zeros_(self.code.weight)
        self.stay = nn.Linear(fields, 1, bias=False)
        nn.init.zeros_(self.stay.weight)
        self.given = _reading(facts, width, len(static_sizes))
        self.now = _reading(fields, 4 * width, len(visit_sizes))
        self.before = _reading(fields, width, len(visit_sizes))
        self.score = nn.Linear(3 * width, 1)
        nn.init.zeros_(self.score.weight)

    def forward(self, static: Tensor, visits: Tensor, inside: Tensor) -> Tensor:
        """Score."""
        one, other = self.facts(static).chunk(2, -1)
        total = self.fact(static) + self.facts_score(one * other)
        if self.max_visits:
            total = total + self.code(visits.flatten(1) * self.max_visits**-0.5)
            earlier = functional.pad(visits[:, :-1], (0, 0, 1, 0))
            share = inside / inside.sum(1, keepdim=True).clamp(min=1.0)
            one, other, after, about = self.now(visits).chunk(4, -1)
            pairs = (one * other, after * self.before(earlier), about * self.given(static)[:, None])
            total = total + self.stay((visits * earlier).sum(1) * self.max_visits**-0.5)
            pooled = (torch.cat(pairs, -1) * share[..., None]).sum(1)
            total = total + self.score(pooled)
        return total[:, 0]


def _reading(size: int, width: int, fields: int) -> nn.Linear:
    """A linear layer over one-hot fields whose outputs start with variance 1."""
    layer = nn.Linear(size, width, bias=False)
    scale_by_fields(layer, fields)
    return layer


def scale_by_fields(layer: nn.Linear, fields: int) -> None:
    """Start a layer over one-hot fields so that their sum has variance 1."""
    nn.init.normal_(layer.weight, std=max(fields, 1) ** -0.5)
