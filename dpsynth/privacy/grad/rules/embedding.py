"""The rule for `nn.Embedding`."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from dpsynth.privacy.grad.norms import Weights
from dpsynth.privacy.grad.tape import Tape


def embedding(module: nn.Embedding, tape: Tape, index: Tensor) -> Tensor:
    """Run an `nn.Embedding` over (rows, ...) of indices."""
    tape.check_rows(module, index)
    return _Embedding.apply(index, module.weight, module, tape)  # type: ignore[no-untyped-call]


def limits(module: nn.Embedding) -> str:
    """Return why the rule does not fit a module, or nothing."""
    if module.max_norm is not None:
        return f"max_norm={module.max_norm!r}, which rescales rows that patients look up"
    if module.scale_grad_by_freq:
        return "scale_grad_by_freq, which counts over all patients"
    return "sparse" if module.sparse else ""


class _Embedding(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, index: Tensor, weight: Tensor, module: nn.Embedding, tape: Tape
    ) -> Tensor:
        ctx.save_for_backward(index)
        ctx.module, ctx.tape = module, tape
        return functional.embedding(index, weight)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (index,) = ctx.saved_tensors
        tape: Tape = ctx.tape
        tape.check_armed()
        module = ctx.module
        outer = tape.fold(grad)
        if module.padding_idx is not None:
            outer = outer.masked_fill((index == module.padding_idx).view(*outer.shape[:2], 1), 0)
        tape.add(
            module.weight, lookup(outer, index.reshape(outer.shape[:2]), module.num_embeddings)
        )
        return None, None, None, None


def lookup(outer: Tensor, index: Tensor, size: int) -> "Rows":
    """Sum the output gradients that meet in one row of one patient's table.

    Shape:
        outer: (patients, positions, width)
        index: (patients, positions)
    """
    patients = len(index)
    offset = torch.arange(patients, device=index.device).view(-1, 1) * size
    keys, inverse = torch.unique(index + offset, return_inverse=True)
    sums = outer.new_zeros(len(keys), outer.shape[2])
    sums.index_add_(0, inverse.flatten(), outer.flatten(0, 1))
    return Rows(sums, keys // size, keys % size, patients, size)


@dataclass(frozen=True)
class Rows:
    """The rows of each patient's gradient that are not zero; see `Piece`.

    Shape:
        sums:  (touched, width)
        owner: (touched,), the patient
        row:   (touched,), the row of the table
    """

    sums: Tensor
    owner: Tensor
    row: Tensor
    patients: int
    size: int

    def squared(self) -> Tensor:
        """See `Piece`."""
        norms = torch.linalg.vector_norm(self.sums.float(), dim=1).square()
        return norms.new_zeros(self.patients).index_add_(0, self.owner, norms)

    def weighted(self, weights: Weights) -> Tensor:
        """See `Piece`."""
        scaled = weights.of(self.owner).scale(self.sums)
        return scaled.new_zeros(self.size, scaled.shape[1]).index_add_(0, self.row, scaled)

    def each(self) -> Tensor:
        """See `Piece`."""
        flat = self.sums.new_zeros(self.patients * self.size, self.sums.shape[1])
        flat.index_add_(0, self.owner * self.size + self.row, self.sums)
        return flat.view(self.patients, self.size, -1)
