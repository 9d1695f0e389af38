"""The slow and general route: `torch.func.vmap` over `torch.func.grad`.

It holds every patient's whole gradient at once, and costs two to fifteen plain steps, but knows
every layer that vmap knows, bare parameters, and losses that take gradients themselves.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, vmap

from dpsynth.errors import PromiseError
from dpsynth.privacy.grad.norms import clip_weights, squared_norm
from dpsynth.privacy.grad.rows import checked_losses


class _Lossy(nn.Module):
    """A module whose forward is the loss, so that its parameters can be swapped."""

    def __init__(self, model: nn.Module, loss: Callable[..., Tensor]) -> None:
        super().__init__()
        self.model = model
        self.loss = loss

    def forward(self, *rows: Tensor) -> Tensor:
        return checked_losses(self.loss(self.model, *rows), len(rows[0])).mean()


def vmap_sum(
    model: nn.Module,
    loss: Callable[..., Tensor],
    rows: tuple[Tensor, ...],
    clip_norm: float,
    views: int,
    factors: Tensor | None = None,
) -> dict[str, Tensor]:
    """Return the sum over patients of their clipped gradients; see `clipped_sum`."""
    lossy = _Lossy(model, loss)
    parameters = {n: p.detach() for n, p in lossy.named_parameters() if p.requires_grad}

    def patient_loss(parameters: dict[str, Tensor], *rows: Tensor) -> Tensor:
        return functional_call(lossy, parameters, rows)

    batched = vmap(
        grad_and_value(patient_loss),
        in_dims=(None, *[0] * len(rows)),
        randomness="different",
    )
    try:
        each, losses = batched(parameters, *(r.reshape(-1, views, *r.shape[1:]) for r in rows))
    except RuntimeError as error:
        if "mutate a captured Tensor" not in str(error):
            raise
        raise PromiseError(
            "the model or its loss writes into a buffer or another tensor that outlives the step, "
            "which no clipping covers: compute it before training from public values"
        ) from error
    squared = torch.stack([squared_norm(g) for g in each.values()]).sum(0)
    size = sum(p.numel() for p in parameters.values())
    weights = clip_weights(squared, size, losses.isfinite(), clip_norm).times(factors)
    return {n.removeprefix("model."): weights.total(g) for n, g in each.items()}
