"""The clipped sum of per-patient gradients: the only thing training learns from patients."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from dpsynth.errors import InputError
from dpsynth.privacy.grad.guard import frozen_buffers, refuse_mixing
from dpsynth.privacy.grad.rows import count_patients
from dpsynth.privacy.grad.vmap import vmap_sum

Route = Literal["fast", "vmap"]


def clipped_sum(
    model: nn.Module,
    loss: Callable[..., Tensor],
    rows: tuple[Tensor, ...],
    *,
    clip_norm: float,
    views: int = 1,
    route: Route = "fast",
    micro_batch: int | None = None,
) -> dict[str, Tensor]:
    """Return the sum over patients of their clipped gradients.

    Args:
        model: the network; no module in it may mix rows.
        loss: `loss(model, *rows)` gives one loss for each row, shape (rows,). The losses of
            one patient's rows must not depend on another's.
        rows: tensors (patients * views, ...); the views of one patient lie next to each other.
        clip_norm: L2 bound on one patient's gradient, all parameters together.
        views: augmentations or maskings of each patient; a patient's loss is their mean, so
            that averaging comes before clipping.
        route: "fast" (one backward, a rule for each kind of layer) or "vmap" (slow, general).
        micro_batch: patients at a time, to save memory; the sum is the same up to rounding.

    Returns:
        For the name of each trainable parameter, the sum, in float32.
    """
    if not 0 < clip_norm < float("inf"):
        raise InputError(f"clip_norm must be positive and finite, got {clip_norm!r}")
    if micro_batch is not None and micro_batch < 1:
        raise InputError(f"micro_batch must be at least 1 patient, got {micro_batch!r}")
    if route not in ("fast", "vmap"):
        raise InputError(f"route must be 'fast' or 'vmap', got {route!r}")
    patients = count_patients(rows, views)
    refuse_mixing(model)
    total = {
        n: torch.zeros_like(p, dtype=torch.float32)
        for n, p in model.named_parameters()
        if p.requires_grad
    }
    rows = tuple(r.detach() for r in rows)
    step = (micro_batch or patients or 1) * views
    with frozen_buffers(model), torch.enable_grad():
        for start in range(0, patients * views, step):
            piece = tuple(r[start : start + step] for r in rows)
            for name, value in vmap_sum(model, loss, piece, clip_norm, views).items():
                total[name] += value
    return total
