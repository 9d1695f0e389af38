"""Masked (absorbing) discrete diffusion over tokens: the objective, and the sampler."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from dpsynth.data.codec import Codec
from dpsynth.models.nets.visit_net import VisitNet
from dpsynth.models.warm.logits import OwnLogits
from dpsynth.privacy.draws import RowDraws


class MaskedObjective:
    """The any-order likelihood bound of a patient's tokens, per token.

    Of a record with visits these are the visits' tokens given the facts, which the warm start
    draws; of a record without, the facts'. Each block (the facts; each visit) has its own
    share of masked tokens, uniform in
    (0, 1]; the loss is the mean cross-entropy over a block's masked tokens, weighted by the
    block's number of tokens (Hoogeboom et al. 2022, Sahoo et al. 2024). A patient's loss
    depends on that patient's tokens only.

    Args:
        static_sizes, visit_sizes: codes of each field.
        facts: which static fields are modelled, in order; a label that is drawn last is not.
        counted: whether the number of visits is the last static field.
    """

    def __init__(
        self,
        static_sizes: Sequence[int],
        visit_sizes: Sequence[int],
        *,
        facts: Sequence[int],
        counted: bool,
    ) -> None:
        self.static_sizes, self.visit_sizes = list(static_sizes), list(visit_sizes)
        self.facts, self.counted = list(facts), counted
        self.base: OwnLogits | None = None  # what the network's logits are added to

    @classmethod
    def of(cls, codec: Codec, label: int | None) -> MaskedObjective:
        """For that code book; a number of visits that varies is a static field, the last."""
        facts = [i for i in range(len(codec.static)) if i != label]
        static = [codec.static[i].size for i in facts]
        counted = codec.max_visits > 0 and not codec.regular
        if counted:
            static.append(codec.max_visits + 1)
        visit = [field.size for field in codec.visit]
        return cls(static or [1], visit, facts=facts, counted=counted)

    def prepare(self, rows: tuple[Tensor, ...], draws: RowDraws) -> tuple[Tensor, ...]:
        """Draw the masks, and look up where the network's logits start from.

        Shape:
            rows: static (rows, fields), visits (rows, L, V) padded with -1, length (rows,)
            return: static (rows, S), visits, length, the two masks (True = masked), and the
                visits' base logits (rows, L, codes)
        """
        static, visits, length = rows
        static = static[:, self.facts]
        if self.counted:
            static = torch.cat([static, length[:, None]], 1)
        elif not static.shape[1]:
            static = torch.zeros_like(length)[:, None]
        visits = visits.clamp(min=0)
        hidden, masked = _masks(static, draws), _masks(visits, draws)
        return static, visits, length, hidden, masked, self.visit_base(visits[:, :-1])

    def static_base(self, device: torch.device) -> Tensor:
        """(codes,) what the network's logits of facts are added to."""
        if self.base is None:
            return torch.zeros(sum(self.static_sizes), device=device)
        return self.base.static.to(device)

    def visit_base(self, before: Tensor) -> Tensor:
        """(rows, time, fields) earlier visits -> (rows, time + 1, codes)."""
        if self.base is None or not self.visit_sizes:
            rows, time = before.shape[:2]
            return torch.zeros(rows, time + 1, sum(self.visit_sizes), device=before.device)
        return self.base.visits(before)

    def loss(self, model: VisitNet, *rows: Tensor) -> Tensor:
        """(rows,) nats per token."""
        static, visits, length, static_mask, visit_mask, visit_base = rows
        if not model.max_visits:
            shown = torch.where(static_mask, _sizes(self.static_sizes, static), static)
            logits = model.static_logits(shown) + self.static_base(shown.device)
            total = _block_loss(logits, static, static_mask, self.static_sizes)
            return total / len(self.static_sizes)
        context = model.context(static, visits[:, :-1])
        shown = torch.where(visit_mask, _sizes(self.visit_sizes, visits), visits)
        logits = model.visit_logits(context, shown) + visit_base
        inside = torch.arange(visits.shape[1], device=length.device) < length[:, None]
        each = _block_loss(logits, visits, visit_mask, self.visit_sizes)
        total = torch.where(inside, each, 0.0).sum(1)
        return total / (length.clamp(min=1) * len(self.visit_sizes))


def _sizes(sizes: Sequence[int], like: Tensor) -> Tensor:
    return torch.tensor(sizes, device=like.device).expand_as(like)


def _masks(codes: Tensor, draws: RowDraws) -> Tensor:
    """Per block: a uniform number of masked fields, at least one, at random places."""
    fields = codes.shape[-1]
    order = draws.uniform(*codes.shape[1:]).argsort(dim=-1, stable=True)
    count = (draws.uniform(*codes.shape[1:-1], 1) * fields).long() + 1
    return order < count


def _block_loss(logits: Tensor, codes: Tensor, mask: Tensor, sizes: Sequence[int]) -> Tensor:
    """(...,) number of fields times the mean cross-entropy over masked ones."""
    pieces = torch.split(logits, list(sizes), -1)
    nats = [
        -piece.log_softmax(-1).gather(-1, codes[..., j : j + 1]).squeeze(-1)
        for j, piece in enumerate(pieces)
    ]
    wrong = torch.stack(nats, -1) * mask
    return wrong.sum(-1) * len(sizes) / mask.sum(-1)


def fill_block(
    logits_of: Callable[[Tensor], Tensor],
    codes: Tensor,
    sizes: Sequence[int],
    draws: torch.Generator,
    rounds: int | None = None,
) -> Tensor:
    """Draw the masked fields of a block, some in each round, in an order of their own per row.

    Args:
        logits_of: (rows, fields) partly masked codes -> (rows, sum of sizes).
        codes: (rows, fields); size of the field = still masked. What is unmasked stays.
        sizes: codes of each field.
        draws: source.
        rounds: how many; one field per round if none. Fields of one round are drawn
            independently given what is known.
    """
    rows, fields = codes.shape
    rounds = min(rounds or fields, fields)
    masked = codes == _sizes(sizes, codes)
    order = torch.rand(rows, fields, generator=draws, device=codes.device).argsort(-1)
    for turn in range(rounds):
        due = masked & (order * rounds // fields == turn)
        if not bool(due.any()):
            continue
        pieces = torch.split(logits_of(codes), list(sizes), -1)
        drawn = torch.stack([_draw(piece, draws) for piece in pieces], -1)
        codes = torch.where(due, drawn, codes)
    return codes


def _draw(logits: Tensor, draws: torch.Generator) -> Tensor:
    noise = torch.rand(logits.shape, generator=draws, device=logits.device).clamp_(1e-20)
    return (logits - (-noise.log()).log()).argmax(-1)


def generate(
    model: VisitNet, objective: MaskedObjective, static: Tensor, draws: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Static facts, if some are masked, then visit after visit.

    Args:
        static: (rows, S) codes; with visits, all of them; without, what is asked for filled
            in and the rest masked.

    Returns:
        static (rows, S) and visits (rows, max_visits, V), filled to the full length.
    """
    with torch.no_grad():
        if not model.max_visits:
            static = fill_block(
                lambda codes: model.static_logits(codes) + objective.static_base(codes.device),
                static,
                objective.static_sizes,
                draws,
            )
        shape = (len(static), model.max_visits, len(objective.visit_sizes))
        visits = torch.zeros(shape, dtype=torch.long, device=static.device)
        for turn in range(model.max_visits):
            context = model.context(static, visits[:, :turn])[:, -1]
            base = objective.visit_base(visits[:, :turn])[:, -1]

            def logits_of(codes: Tensor, context: Tensor = context, base: Tensor = base) -> Tensor:
                return model.visit_logits(context, codes) + base

            blank = _sizes(objective.visit_sizes, visits[:, turn])
            visits[:, turn] = fill_block(logits_of, blank, objective.visit_sizes, draws)
    return static, visits
