"""Draws that move away from a drawn code only as far as their logits do."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

GAP = 1e-4  # by which the winner leads at least, so that rounding can't make a tie


def scores(
    codes: Tensor,
    shares: Tensor,
    sizes: Sequence[int],
    draws: torch.Generator,
    *,
    shared: bool = False,
) -> Tensor:
    """Perturbed logits whose largest is the given code: Gumbel noise, given who won.

    If `codes` has the law `shares`, then argmax(scores + change) has the law proportional to
    shares * exp(change), as in the Gumbel-max trick; with no change it is `codes` itself,
    whatever law that has (top-down sampling, Maddison et al. 2014).

    Args:
        codes: (..., fields).
        shares: (..., sum of sizes), broadcast against codes; each field's add up to 1, all > 0.
        sizes: codes of each field.
        draws: source.
        shared: whether the places along the last axis but one (a patient's visits) have their
            noise in common, so that equal changes move equal codes together.

    Returns:
        (..., sum of sizes)
    """
    repeats = torch.tensor(sizes, device=codes.device, dtype=torch.long)
    starts = repeats.cumsum(0) - repeats
    shape = (*codes.shape[:-1], int(repeats.sum()))
    first = _waits(codes.shape, draws, shared).repeat_interleave(repeats, -1)
    later = first + _waits(shape, draws, shared) / shares
    won = torch.zeros(shape, dtype=torch.bool, device=codes.device)
    won = won.scatter(-1, codes + starts, True)
    best = -first.log()
    return torch.where(won, best, torch.minimum(-later.log(), best - GAP))


def drawn(logits: Tensor, sizes: Sequence[int], temperature: float) -> tuple[Tensor, Tensor]:
    """The winners, and one-hot rows of them with the gradient of a softmax (straight-through).

    Shape:
        logits: (..., sum of sizes)
        return: codes (..., fields); rows (..., sum of sizes)
    """
    codes, rows = [], []
    for piece in torch.split(logits, list(sizes), -1):
        best = piece.detach().argmax(-1)
        soft = (piece / temperature).softmax(-1)
        hard = torch.zeros_like(soft).scatter(-1, best[..., None], 1.0)
        codes.append(best)
        rows.append(hard + (soft - soft.detach()))
    if not codes:
        return logits.long(), logits
    return torch.stack(codes, -1), torch.cat(rows, -1)


def _waits(shape: Sequence[int], draws: torch.Generator, shared: bool) -> Tensor:
    """Exponential times of mean 1; the code whose time is least wins."""
    few = (*shape[:-2], 1, shape[-1]) if shared else tuple(shape)
    uniform = torch.rand(few, generator=draws, device=draws.device)
    return (-torch.log1p(-uniform) + 1e-9).expand(tuple(shape))
