"""Masked (absorbing) discrete diffusion over tokens: the objective, and the sampler."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from dpsynth.data.codec import Codec
from dpsynth.models.nets.visit_net import VisitNet
from dpsynth.privacy.draws import RowDraws


class MaskedObjective:
    """The any-order likelihood bound of a patient's tokens, per token.

    Each block (the static facts; each visit) has its own share of masked tokens, uniform in
    (0, 1]; the loss is the mean cross-entropy over a block's masked tokens, weighted by the
    block's number of tokens (Hoogeboom et al. 2022, Sahoo et al. 2024). A patient's loss
    depends on that patient's tokens only.

    A static label is predicted both ways: visits given it, and, in half of the rows where it
    is hidden from the visits, it given the whole record. What it says of the visits is small
    beside what earlier visits say, and would be lost in the noise otherwise.

    Args:
        static_sizes, visit_sizes: codes of each field.
        counted: whether the number of visits is the last static field.
        label: position of the static label, or none.
        label_weight: of its cross-entropy given the record, against nats per token.
    """

    def __init__(
        self,
        static_sizes: Sequence[int],
        visit_sizes: Sequence[int],
        *,
        counted: bool,
        label: int | None = None,
        label_weight: float = 0.5,
    ) -> None:
        self.static_sizes, self.visit_sizes = list(static_sizes), list(visit_sizes)
        self.counted, self.label, self.label_weight = counted, label, label_weight

    @classmethod
    def of(cls, codec: Codec, label: int | None, label_weight: float) -> MaskedObjective:
        """For that code book; a number of visits that varies is a static field, the last."""
        static = [field.size for field in codec.static]
        counted = codec.max_visits > 0 and not codec.regular
        if counted:
            static.append(codec.max_visits + 1)
        return cls(
            static or [1],
            [field.size for field in codec.visit],
            counted=counted,
            label=label if codec.max_visits else None,
            label_weight=label_weight,
        )

    def prepare(self, rows: tuple[Tensor, ...], draws: RowDraws) -> tuple[Tensor, ...]:
        """Draw the masks.

        Shape:
            rows: static (rows, S), visits (rows, L, V) padded with -1, length (rows,)
            return: the three, the two masks (True = masked), whether the label is hidden
        """
        static, visits, length = rows
        if self.counted:
            static = torch.cat([static, length[:, None]], 1)
        elif not static.shape[1]:
            static = torch.zeros_like(length)[:, None]
        return (
            static,
            visits.clamp(min=0),
            length,
            _masks(static, draws),
            _masks(visits, draws),
            draws.uniform() < 0.5,
        )

    def loss(self, model: VisitNet, *rows: Tensor) -> Tensor:
        """(rows,) nats per token."""
        static, visits, length, static_mask, visit_mask, hidden = rows
        shown = torch.where(static_mask, _sizes(self.static_sizes, static), static)
        logits = model.static_logits(shown)
        total = _block_loss(logits, static, static_mask, self.static_sizes)
        tokens = torch.full_like(total, len(self.static_sizes))
        if not model.max_visits:
            return total / tokens
        context = model.context(self.without_label(static, hidden), visits)
        shown = torch.where(visit_mask, _sizes(self.visit_sizes, visits), visits)
        logits = model.visit_logits(context[:, :-1], shown)
        inside = torch.arange(visits.shape[1], device=length.device) < length[:, None]
        each = _block_loss(logits, visits, visit_mask, self.visit_sizes)
        total = total + torch.where(inside, each, 0.0).sum(1)
        loss = total / (tokens + length * len(self.visit_sizes))
        if self.label is None:
            return loss
        nats = functional.cross_entropy(
            model.label_logits(context, length), static[:, self.label], reduction="none"
        )
        return loss + self.label_weight * torch.where(hidden, nats, 0.0)

    def without_label(self, static: Tensor, hidden: Tensor) -> Tensor:
        """The static facts with the label masked in the hidden rows."""
        if self.label is None:
            return static
        place = torch.arange(static.shape[1], device=static.device) == self.label
        return torch.where(hidden[:, None] & place, self.static_sizes[self.label], static)


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
    model: VisitNet,
    objective: MaskedObjective,
    static: Tensor,
    draws: torch.Generator,
    label_bias: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Static facts, then visit after visit; a label that was not asked for is drawn again last.

    Drawing the label from p(label | record) leaves the records' law as it is, and takes what
    the network knows best of how label and record go together.

    Args:
        static: (rows, S) codes with what is asked for filled in and the rest masked.
        label_bias: added to the logits of that last draw, see `label_shift`.

    Returns:
        static (rows, S) and visits (rows, max_visits, V), filled to the full length.
    """
    free = objective.label is not None and bool(
        (static[:, objective.label] == objective.static_sizes[objective.label]).all()
    )
    with torch.no_grad():
        static = fill_block(model.static_logits, static, objective.static_sizes, draws)
        shape = (len(static), model.max_visits, len(objective.visit_sizes))
        visits = torch.zeros(shape, dtype=torch.long, device=static.device)
        for turn in range(model.max_visits):
            context = model.context(static, visits[:, :turn])[:, -1]

            def logits_of(codes: Tensor, context: Tensor = context) -> Tensor:
                return model.visit_logits(context, codes)

            blank = _sizes(objective.visit_sizes, visits[:, turn])
            visits[:, turn] = fill_block(logits_of, blank, objective.visit_sizes, draws)
        if free:
            logits = label_logits(model, objective, static, visits)
            logits = logits if label_bias is None else logits + label_bias
            static = static.clone()
            static[:, objective.label] = _draw(logits, draws)
    return static, visits


def label_logits(
    model: VisitNet, objective: MaskedObjective, static: Tensor, visits: Tensor
) -> Tensor:
    """(rows, codes) of the label given the rest of the record."""
    rows = len(static)
    hidden = torch.ones(rows, dtype=torch.bool, device=static.device)
    length = static[:, -1] if objective.counted else static.new_full((rows,), visits.shape[1])
    return model.label_logits(
        model.context(objective.without_label(static, hidden), visits), length
    )


def label_shift(logits: Tensor, prior: Tensor, rounds: int = 50) -> Tensor:
    """One constant per label that makes the mean chances of these rows the prior.

    Label shift correction by fixed point (Saerens et al. 2002, with the prior known).

    Shape:
        logits: (rows, codes); prior: (codes,), from a noisy table; return: (codes,)
    """
    bias = torch.zeros_like(logits[0])
    for _ in range(rounds):
        bias = bias + (prior.clamp(min=1e-6) / (logits + bias).softmax(-1).mean(0)).log()
    return bias
