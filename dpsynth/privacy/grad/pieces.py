"""What one layer's backward leaves of one parameter, in the form that is cheapest for its shapes.

A piece knows each patient's squared gradient norm, the weighted sum of the gradients, and, for a
parameter that is used more than once in a step, the gradients themselves.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from dpsynth.privacy.grad.norms import TINY, Weights, squared_norm

SLACK = 1e-5
"""Relative error granted to a norm that is found from Gram matrices.

Such a norm is a sum of terms that may cancel. Its rounding error is bounded by a multiple of
2**-24 of the product of the squared norms of inputs and output gradients, never by a multiple of
the result: without this, a patient whose terms cancel would be clipped too little.
"""


CACHE = 2 * 2**20
"""Bytes of gradients that are made at once: they fit the cache, and the holes that the backward
leaves where activations were, so that storing them needs little memory beyond a plain step."""

CACHE_GPU = 64 * 2**20
"""The same on a GPU, which wants fewer and larger pieces of work (`evaluation/gpu-step`)."""


def patients_at_once(shape: tuple[int, ...], where: Tensor) -> int:
    """Return how many patients' gradients of a parameter fill the cache of a tensor's device."""
    cache = CACHE_GPU if where.is_cuda else CACHE
    return max(1, cache // (4 * math.prod(shape)))


class Piece(Protocol):
    """One parameter's per-patient gradients, perhaps not yet multiplied out."""

    def squared(self) -> Tensor:
        """Return (patients,): each squared norm, or slightly more."""
        ...

    def weighted(self, weights: Weights) -> Tensor:
        """Return the weighted sum over patients, in the parameter's shape."""
        ...

    def each(self) -> Tensor:
        """Return (patients, *parameter shape): the gradients."""
        ...


@dataclass(frozen=True)
class Stored:
    """The gradients themselves, (patients, *parameter shape); `norms` if known already."""

    gradients: Tensor
    norms: Tensor | None = None

    def squared(self) -> Tensor:
        """See `Piece`."""
        return squared_norm(self.gradients) if self.norms is None else self.norms

    def weighted(self, weights: Weights) -> Tensor:
        """See `Piece`."""
        return weights.total(self.gradients)

    def each(self) -> Tensor:
        """See `Piece`."""
        return self.gradients


@dataclass(frozen=True)
class Chunks:
    """The gradients themselves, in chunks of patients, with norms taken while they are at hand."""

    gradients: list[Tensor]
    norms: Tensor

    @classmethod
    def of(cls, gradients: Iterable[Tensor]) -> "Chunks":
        """Collect the chunks."""
        kept = [(g, squared_norm(g)) for g in gradients]
        return cls([g for g, _ in kept], torch.cat([n for _, n in kept]))

    def squared(self) -> Tensor:
        """See `Piece`."""
        return self.norms

    def weighted(self, weights: Weights) -> Tensor:
        """See `Piece`."""
        parts = weights.split([len(g) for g in self.gradients])
        first, *rest = (w.total(g) for w, g in zip(parts, self.gradients, strict=True))
        for part in rest:
            first += part
        return first

    def each(self) -> Tensor:
        """See `Piece`."""
        return torch.cat(self.gradients)


@dataclass(frozen=True)
class Product:
    """Outer products summed over positions: gradient = sum over n of outer[n] inner[n]^T.

    Shape:
        outer: (patients, positions, outputs), the output gradients
        inner: (patients, positions, inputs)
        norms: (patients,), squared norms of `outer` if known already
    """

    outer: Tensor
    inner: Tensor
    norms: Tensor | None = None

    def squared(self) -> Tensor:
        """See `Piece`: sum over n, m of (outer_n . outer_m)(inner_n . inner_m), and `SLACK`."""
        tiny = TINY * max(self.outer[0].numel(), self.inner[0].numel())
        if self.outer.shape[1] == 1:
            norms = squared_norm(self.outer) if self.norms is None else self.norms
            return (norms + tiny) * (squared_norm(self.inner) + tiny)
        outer = torch.bmm(self.outer, self.outer.mT)
        inner = torch.bmm(self.inner, self.inner.mT)
        most = (trace(outer) + tiny) * (trace(inner) + tiny)
        return (outer * inner).flatten(1).sum(1).clamp_(min=0) + SLACK * most

    def weighted(self, weights: Weights) -> Tensor:
        """See `Piece`: one ordinary weight gradient, with scaled output gradients."""
        outer = weights.scale(self.outer).flatten(0, 1)
        return outer.mT @ weights.silence(self.inner).flatten(0, 1)

    def each(self) -> Tensor:
        """See `Piece`."""
        return torch.bmm(self.outer.mT, self.inner)


def trace(gram: Tensor) -> Tensor:
    """Return (patients,): the sum of each Gram matrix's diagonal, a squared norm."""
    return gram.diagonal(dim1=1, dim2=2).sum(1)
