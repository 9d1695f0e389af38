"""The rule for `Position`."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from dpsynth.errors import InputError
from dpsynth.privacy.grad.layers import Position
from dpsynth.privacy.grad.pieces import Stored
from dpsynth.privacy.grad.tape import Tape, whole


def position(module: Position, tape: Tape, x: Tensor) -> Tensor:
    """Run a `Position` over (rows, ...)."""
    tape.check_rows(module, x)
    if module.weight.ndim > x.ndim - 1:
        raise InputError(
            f"Position{tuple(module.weight.shape)} does not fit rows of {x.ndim - 1} dimensions"
        )
    return _Position.apply(x, module.weight, module, tape)  # type: ignore[no-untyped-call]


class _Position(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, module: Position, tape: Tape) -> Tensor:
        ctx.module, ctx.tape, ctx.inner = module, tape, x.shape
        return x + weight

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        tape: Tape = ctx.tape
        tape.check_armed()
        if ctx.needs_input_grad[1]:
            shape = ctx.module.weight.shape
            views = whole(grad).reshape(tape.patients, tape.views, *grad.shape[1:])
            one = views.sum(1) if tape.views > 1 else views[:, 0]
            extra = [i for i in range(1, one.ndim) if i < one.ndim - len(shape)]
            one = one.sum(extra) if extra else one
            tape.add(ctx.module.weight, Stored(one.sum_to_size(tape.patients, *shape)))
        inner = grad.sum_to_size(ctx.inner) if ctx.needs_input_grad[0] else None
        return inner, None, None, None
