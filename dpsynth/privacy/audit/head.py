"""The audit head: weights that canaries alone move, beside the network that patients train."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

PATIENT, SILENT = -1, -2  # who a row is of; a canary's further views are silent
STRENGTH = 100.0  # how far a canary's gradient lies above the clipping norm


class Audited(nn.Module):
    """A network and an audit head, clipped and noised as one.

    Guarantee:
        A patient's gradient is the network's own and zero at the head; a canary's is zero at the
        network and, clipped, `clip_norm` at its own weight of the head. So what the network
        learns is what it would learn without canaries, one patient moves the sum by at most
        `clip_norm` as before, and the head's part of a step holds no patient's gradient: it is
        made of canaries, and of noise that stands nowhere else.

    Args:
        model: the network.
        canaries: weights of the head, all zero; nothing ever changes them.
    """

    def __init__(self, model: nn.Module, canaries: int) -> None:
        super().__init__()
        self.model = model
        device = next(model.parameters()).device
        self.head = nn.Linear(canaries, 1, bias=False, device=device)
        nn.init.zeros_(self.head.weight)


def watched(
    loss: Callable[..., Tensor], canaries: int, clip_norm: float, views: int
) -> Callable[..., Tensor]:
    """The loss of an `Audited` network, whose rows begin with who they are of.

    Args:
        loss: `loss(model, *rows)` of the network alone, each row's of itself only.
        canaries: size of the head.
        clip_norm, views: of the step; views are averaged before clipping.
    """
    strength = STRENGTH * clip_norm * views

    def both(model: Audited, who: Tensor, *rows: Tensor) -> Tensor:
        own = loss(model.model, *rows)
        spot = functional.one_hot(who.clamp(min=0), canaries).to(own.dtype)
        spot = spot * (who >= 0)[:, None]
        canary = strength * model.head(spot).squeeze(-1)
        return torch.where(who == PATIENT, own, canary)

    return both


def rows_of(who: Tensor, views: int) -> Tensor:
    """(rows * views,) whose each row is: a canary speaks in its first view only.

    So its weight of the head has one row that is not zero, and the sum over rows is the same to
    the last bit whoever else is in the batch.
    """
    first = torch.arange(views, device=who.device) == 0
    silent = torch.where(who == PATIENT, PATIENT, SILENT)
    return torch.where(first[None, :], who[:, None], silent[:, None]).reshape(-1)
