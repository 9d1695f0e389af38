"""The rule for `nn.GroupNorm`.

Rows are folded into channels: torch's own backward of one row with rows x channels channels then
gives each row's gradient of the scale and the shift.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from dpsynth.privacy.grad.pieces import Stored
from dpsynth.privacy.grad.tape import Tape, whole


def group_norm(module: nn.GroupNorm, tape: Tape, x: Tensor) -> Tensor:
    """Run an `nn.GroupNorm` over (rows, channels, ...)."""
    tape.check_rows(module, x)
    return _GroupNorm.apply(x, module.weight, module.bias, module, tape)  # type: ignore[no-untyped-call]


class _GroupNorm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        module: nn.GroupNorm,
        tape: Tape,
    ) -> Tensor:
        x = x.contiguous()
        rows, channels, positions = len(x), x.shape[1], x[0, 0].numel()
        y, mean, rstd = torch.native_group_norm(
            x, weight, bias, rows, channels, positions, module.num_groups, module.eps
        )
        ctx.save_for_backward(x, mean, rstd, weight)
        ctx.module, ctx.tape = module, tape
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, mean, rstd, weight = ctx.saved_tensors
        module, tape = ctx.module, ctx.tape
        tape.check_armed()
        rows, channels, positions = len(x), x.shape[1], x[0, 0].numel()
        inner, scale, shift = torch.ops.aten.native_group_norm_backward(
            whole(grad).contiguous().view(1, rows * channels, positions),
            whole(x).view(1, rows * channels, positions),
            mean.view(1, -1),
            rstd.view(1, -1),
            weight.repeat(rows),
            1,
            rows * channels,
            positions,
            rows * module.num_groups,
            list(ctx.needs_input_grad[:3]),
        )
        for parameter, each in ((module.weight, scale), (module.bias, shift)):
            if each is not None and parameter.requires_grad:
                tape.add(parameter, Stored(each.view(tape.patients, tape.views, -1).sum(1)))
        inner = inner.view_as(x).to(x.dtype) if ctx.needs_input_grad[0] else None
        return inner, None, None, None, None
