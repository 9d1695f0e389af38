"""The rule for `nn.LayerNorm`."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from dpsynth.privacy.grad.pieces import Stored
from dpsynth.privacy.grad.tape import Tape, whole


def layer_norm(module: nn.LayerNorm, tape: Tape, x: Tensor) -> Tensor:
    """Run an `nn.LayerNorm` over (rows, ..., *normalised shape)."""
    tape.check_rows(module, x)
    return _LayerNorm.apply(x, module.weight, module.bias, module, tape)  # type: ignore[no-untyped-call]


class _LayerNorm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        module: nn.LayerNorm,
        tape: Tape,
    ) -> Tensor:
        y, mean, rstd = torch.native_layer_norm(
            x, module.normalized_shape, weight, bias, module.eps
        )
        ctx.save_for_backward(x, mean, rstd, weight, bias)
        ctx.module, ctx.tape = module, tape
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, mean, rstd, weight, bias = ctx.saved_tensors
        module, tape = ctx.module, ctx.tape
        tape.check_armed()
        shape = module.normalized_shape
        folded = (tape.patients, -1, *shape)
        if ctx.needs_input_grad[1]:
            scaled = (x.detach() - mean).mul_(rstd).mul_(whole(grad))
            tape.add(module.weight, Stored(scaled.reshape(folded).sum(1)))
        if ctx.needs_input_grad[2]:
            tape.add(module.bias, Stored(whole(grad).reshape(folded).sum(1)))
        inner = None
        if ctx.needs_input_grad[0]:
            inner = torch.ops.aten.native_layer_norm_backward(
                grad, x, shape, mean, rstd, weight, bias, [True, False, False]
            )[0]
        return inner, None, None, None, None
