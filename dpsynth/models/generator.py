"""The generator: a drawn record, changed as far as a network says."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dpsynth.models.coupled import drawn, scores
from dpsynth.models.layout import Codes, Layout, Record
from dpsynth.models.nets.refiner import NOISE, Refiner

LEAST = 1e-3  # of a draw, added to how often each code was drawn


class Generator(nn.Module):
    """Refines drawn records: the same records at the start, exactly.

    Each token has Gumbel noise given that it won (see `coupled`), with the shares of codes
    that the start's samples have; the network adds to its logits, and the winner is taken
    again. The number of visits stays as drawn.

    Args:
        layout: fields of a record.
        width, depth, heads: of the network.
    """

    static_shares: Tensor
    visit_shares: Tensor

    def __init__(self, layout: Layout, *, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.layout = layout
        self.net = Refiner(
            layout.static, layout.visit, layout.max_visits, width=width, depth=depth, heads=heads
        )
        static, visit = (torch.ones(sum(sizes)) for sizes in (layout.static, layout.visit))
        self.register_buffer("static_shares", _shares(static, layout.static))
        self.register_buffer(
            "visit_shares", _shares(visit.repeat(layout.max_visits, 1), layout.visit)
        )

    def start_from(self, codes: Codes) -> None:
        """Take up the shares of codes in samples of the start, at each visit of its own."""
        record = self.layout.record(codes)
        self.static_shares.copy_(_shares(record.static.sum(0), self.layout.static))
        self.visit_shares.copy_(_shares(record.visits.sum(0), self.layout.visit))

    def forward(
        self,
        codes: Codes,
        draws: torch.Generator,
        temperature: float,
        fixed: Sequence[int] = (),
    ) -> tuple[Codes, Record, Tensor]:
        """Refine.

        Args:
            codes: drawn records.
            draws: source.
            temperature: see `drawn`.
            fixed: static fields that stay as they are.

        Returns:
            the refined records as codes; as rows of zeros and ones with gradients; and the
            strain, how far the changed laws of codes are from the start's, in nats per record
            (mean over records of `_strain`).
        """
        layout, start = self.layout, self.layout.record(codes)
        rows = len(codes.static)
        noise = torch.randn((rows, NOISE), generator=draws, device=codes.static.device)
        static_change, visit_change = self.net(*start, noise)
        base = scores(codes.static, self.static_shares, layout.static, draws)
        static, static_rows = drawn(base + static_change, layout.static, temperature)
        stays = [j in fixed or j >= layout.facts for j in range(len(layout.static))]
        held = torch.tensor(stays, device=static.device)
        static = torch.where(held, codes.static, static)
        wide = held.repeat_interleave(torch.tensor(layout.static, device=static.device))
        static_rows = torch.where(wide, start.static, static_rows)
        base = scores(codes.visits, self.visit_shares, layout.visit, draws, shared=True)
        visits, visit_rows = drawn(base + visit_change, layout.visit, temperature)
        record = Record(static_rows, visit_rows * codes.inside[..., None], codes.inside)
        strain = _strain(static_change, self.static_shares, layout.static).mean()
        if layout.max_visits:
            each = _strain(visit_change, self.visit_shares, layout.visit) * codes.inside
            strain = strain + each.sum(1).mean()
        return Codes(static, visits, codes.inside), record, strain


def _shares(counts: Tensor, sizes: Sequence[int]) -> Tensor:
    """(..., sum of sizes) counts -> shares of each field, all above zero."""
    parts = [
        (piece + LEAST) / (piece + LEAST).sum(-1, keepdim=True)
        for piece in torch.split(counts, list(sizes), -1)
    ]
    return torch.cat(parts, -1) if parts else counts


def _strain(change: Tensor, shares: Tensor, sizes: Sequence[int]) -> Tensor:
    """(...,) nats: Kullback-Leibler divergence of the changed law of codes from their shares."""
    total = torch.zeros(change.shape[:-1], device=change.device)
    pieces = (torch.split(each, list(sizes), -1) for each in (change, shares.log()))
    for delta, log in zip(*pieces, strict=True):
        norm = (log + delta).logsumexp(-1, keepdim=True)
        total = total + ((log + delta - norm).exp() * (delta - norm)).sum(-1)
    return total
