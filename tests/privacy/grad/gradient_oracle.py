"""The slow truth that every route is held to: one patient at a time, in float64."""

from collections.abc import Callable
from copy import deepcopy

import torch
from torch import Tensor, nn

MARGIN = 1e-3


def looped_sum(
    model: nn.Module,
    loss: Callable[..., Tensor],
    rows: tuple[Tensor, ...],
    clip_norm: float,
    views: int = 1,
) -> dict[str, Tensor]:
    """Clip and sum by a loop over single patients."""
    model = deepcopy(model).double()
    rows = tuple(r.double() if r.is_floating_point() else r for r in rows)
    named = {n: p for n, p in model.named_parameters() if p.requires_grad}
    total = {n: torch.zeros_like(p) for n, p in named.items()}
    for start in range(0, len(rows[0]), views):
        own = tuple(r[start : start + views] for r in rows)
        value = loss(model, *own).mean()
        gradients = torch.autograd.grad(value, list(named.values()), materialize_grads=True)
        norm = torch.stack([g.square().sum() for g in gradients]).sum().sqrt()
        factor = min(1.0, clip_norm * (1 - MARGIN) / float(norm)) if norm > 0 else 1.0
        for name, gradient in zip(named, gradients, strict=True):
            total[name] += factor * gradient
    return {n: t.float() for n, t in total.items()}


def joint_norm(gradients: dict[str, Tensor]) -> float:
    """Return the L2 norm over all parameters."""
    return float(torch.stack([g.double().square().sum() for g in gradients.values()]).sum().sqrt())


def difference(one: dict[str, Tensor], other: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return one minus other, by name."""
    assert one.keys() == other.keys()
    return {n: one[n].double() - other[n].double() for n in one}
