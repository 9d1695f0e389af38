"""Norms that do not lose the bound to rounding, and the weights that clip.

Float32 sums over a million squares drift; summed in chunks of `CHUNK` and then over the chunks,
the relative error stays below `2 * CHUNK * 2**-24`, about 1e-4, and clipping aims `MARGIN` below
the bound, which covers that and the rounding of the sum over patients.
"""

import torch
from torch import Tensor

CHUNK = 1024
MARGIN = 1e-3
TINY = 1.2e-38
"""What one squared float32 can lose to underflow."""


def squared_norm(values: Tensor) -> Tensor:
    """Return the squared L2 norm of each patient's values, summed in two levels.

    An upper bound but for rounding: what underflow may have swallowed is added.

    Shape:
        values: (patients, ...)
        return: (patients,), float32 (float64 if the values are)
    """
    flat = values.reshape(len(values), -1)
    if flat.dtype in (torch.float16, torch.bfloat16):
        flat = flat.float()
    size = flat.shape[1]
    whole = size - size % CHUNK
    total = flat.new_full((len(flat),), size * TINY)
    if whole:
        chunks = torch.linalg.vector_norm(flat[:, :whole].reshape(len(flat), -1, CHUNK), dim=2)
        total = total + chunks.square().sum(1)
    if whole < size:
        total = total + torch.linalg.vector_norm(flat[:, whole:], dim=1).square()
    return total


def clip_weights(squared: Tensor, finite: Tensor, clip_norm: float) -> Tensor:
    """Return the factor that clips each patient's gradient.

    Args:
        squared: squared norm of each patient's whole gradient.
        finite: whether each patient's loss is finite.
        clip_norm: the L2 bound.

    Shape:
        squared, finite, return: (patients,)

    Guarantee:
        `sqrt(squared) * weight <= clip_norm * (1 - MARGIN)`, and the weight is exactly zero
        where the loss or the norm is not finite.
    """
    norm = squared.sqrt()
    weights = (clip_norm * (1 - MARGIN) / norm).clamp(max=1)
    return torch.where(finite & norm.isfinite(), weights, torch.zeros_like(weights))


def weighted_sum(values: Tensor, weights: Tensor) -> Tensor:
    """Return the sum over patients of weight times values; weight 0 silences even NaN.

    Shape:
        values:  (patients, ...)
        weights: (patients,)
        return:  (...)
    """
    flat = silence(values.reshape(len(values), -1), weights)
    return (weights.to(flat.dtype) @ flat).reshape(values.shape[1:])


def silence(values: Tensor, weights: Tensor) -> Tensor:
    """Return the values with the rows of weight 0 set to zero, since 0 * NaN is NaN."""
    dropped = weights == 0
    if not bool(dropped.any()):
        return values
    return values.masked_fill(dropped.view(-1, *[1] * (values.ndim - 1)), 0)
