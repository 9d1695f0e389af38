"""Norms that do not lose the bound to rounding, and the weights that clip.

Float32 sums over a million squares drift; summed in chunks of `CHUNK` and then over the chunks,
the relative error stays below `2 * CHUNK * 2**-24`, about 1e-4, and clipping aims `MARGIN` below
the bound, which covers that and the rounding of the sum over patients.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

CHUNK = 1024
MARGIN = 1e-3
TINY = 1.2e-38
"""What one squared float32 can lose to underflow."""


@dataclass(frozen=True)
class Weights:
    """The factor that clips each patient's gradient.

    Attributes:
        values: (patients,); zero silences a patient, even one whose gradient is NaN.
        silent: whether any is zero.
    """

    values: Tensor
    silent: bool

    def scale(self, values: Tensor) -> Tensor:
        """Return weight times values, (patients, ...)."""
        return self.silence(values) * self.values.view(-1, *[1] * (values.ndim - 1))

    def total(self, values: Tensor) -> Tensor:
        """Return the sum over patients of weight times values, (patients, ...) to (...)."""
        if values.ndim == 2:
            return self.values @ self.silence(values)
        return (self.values @ self.silence(values.flatten(1))).view(values.shape[1:])

    def silence(self, values: Tensor) -> Tensor:
        """Return the values with those of weight 0 set to zero, since 0 * NaN is NaN."""
        if not self.silent:
            return values
        return values.masked_fill((self.values == 0).view(-1, *[1] * (values.ndim - 1)), 0)

    def times(self, factors: Tensor | None) -> "Weights":
        """Return the weights, each times a factor in (0, 1]: none grows, none falls silent."""
        return self if factors is None else Weights(self.values * factors, self.silent)

    def repeat(self, views: int) -> "Weights":
        """Return the weights of rows, `views` of each patient."""
        return Weights(self.values.repeat_interleave(views), self.silent) if views > 1 else self

    def split(self, sizes: list[int]) -> "list[Weights]":
        """Return the weights of chunks of patients."""
        return [Weights(values, self.silent) for values in torch.split(self.values, sizes)]

    def of(self, owner: Tensor) -> "Weights":
        """Return the weights of things that each belong to a patient."""
        return Weights(self.values[owner], self.silent)


def squared_norm(values: Tensor) -> Tensor:
    """Return the squared L2 norm of each patient's values, summed in two levels.

    Shape:
        values: (patients, ...)
        return: (patients,)
    """
    flat = values.flatten(1)
    size = flat.shape[1]
    if size <= CHUNK:
        return torch.linalg.vector_norm(flat, dim=1).square()
    whole = size - size % CHUNK
    chunks = torch.linalg.vector_norm(flat[:, :whole].reshape(len(flat), -1, CHUNK), dim=2)
    total = chunks.square().sum(1)
    if whole < size:
        total += torch.linalg.vector_norm(flat[:, whole:], dim=1).square()
    return total


def clip_weights(squared: Tensor, size: int, finite: Tensor, clip_norm: float) -> Weights:
    """Return the factors that clip.

    Args:
        squared: squared norm of each patient's whole gradient, (patients,).
        size: numbers in that gradient; what underflow may have swallowed of each is added.
        finite: whether each patient's loss is finite, (patients,).
        clip_norm: the L2 bound.

    Guarantee:
        Norm times weight is at most `clip_norm * (1 - MARGIN)`, and the weight is exactly zero
        where the loss or the norm is not finite.
    """
    norm = (squared + size * TINY).sqrt()
    weights = (clip_norm * (1 - MARGIN) / norm).clamp(max=1)
    weights = torch.where(finite & (norm < torch.inf), weights, 0)
    return Weights(weights, not bool(weights.all()))
