"""The rule for `nn.Linear`."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from dpsynth.privacy.grad.norms import squared_norm
from dpsynth.privacy.grad.pieces import Chunks, Piece, Product, Stored, patients_at_once
from dpsynth.privacy.grad.tape import Tape

GHOST = 64
"""Positions^2 (inputs + outputs) per weight up to which two Gram matrices beat storing."""


def product(outer: Tensor, inner: Tensor, norms: Tensor | None = None) -> Piece:
    """Choose, from shapes alone, how to keep a sum of outer products; see `Product`."""
    positions, outputs, inputs = *outer.shape[1:], inner.shape[2]
    if positions == 1 or positions**2 * (outputs + inputs) < GHOST * outputs * inputs:
        return Product(outer, inner, norms)
    step = patients_at_once((outputs, inputs), inner)
    parts = zip(torch.split(outer, step), torch.split(inner, step), strict=True)
    return Chunks.of(torch.bmm(o.mT, i) for o, i in parts)


def linear(module: nn.Linear, tape: Tape, x: Tensor) -> Tensor:
    """Run an `nn.Linear` over (rows, ..., inputs)."""
    tape.check_rows(module, x)
    return _Linear.apply(x, module.weight, module.bias, module, tape)  # type: ignore[no-untyped-call]


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, module: nn.Linear, tape: Tape
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.module, ctx.tape = module, tape
        return functional.linear(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        tape: Tape = ctx.tape
        tape.check_armed()
        outer = tape.fold(grad)
        norms = squared_norm(outer) if outer.shape[1] == 1 else None
        if ctx.needs_input_grad[1]:
            tape.add(ctx.module.weight, product(outer, tape.fold(x), norms))
        if ctx.needs_input_grad[2]:
            tape.add(ctx.module.bias, Stored(outer.sum(1) if norms is None else outer[:, 0], norms))
        inner = (grad @ weight.to(grad.dtype)).to(x.dtype) if ctx.needs_input_grad[0] else None
        return inner, None, None, None, None
