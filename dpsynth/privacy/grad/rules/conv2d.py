"""The rule for `nn.Conv2d`.

Large images: torch's own weight gradient with patients as groups gives every patient's gradient,
in chunks that stay in the cache. Small images with wide layers: norms from Gram matrices. On a
padded and flattened grid the shift by a place (a, b) of the kernel is an offset, so that the Gram
matrix of unfolded inputs is a sum of slices of the Gram matrix of the inputs themselves; with
stride s the padded input is split into its s x s phases first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from dpsynth.privacy.grad.norms import TINY, Weights, squared_norm
from dpsynth.privacy.grad.pieces import SLACK, Chunks, Piece, Stored, patients_at_once
from dpsynth.privacy.grad.tape import Tape, whole

Pair = tuple[int, int]


def conv2d(module: nn.Conv2d, tape: Tape, x: Tensor) -> Tensor:
    """Run an `nn.Conv2d` over (rows, inputs, height, width)."""
    tape.check_rows(module, x)
    return _Conv2d.apply(x, module.weight, module.bias, module, tape)  # type: ignore[no-untyped-call]


def limits(module: nn.Conv2d) -> str:
    """Return why the rule does not fit a module, or nothing."""
    if module.groups != 1:
        return f"groups={module.groups}"
    if module.padding_mode != "zeros" and any(module._reversed_padding_repeated_twice):
        return f"padding_mode={module.padding_mode!r}"
    if isinstance(module.padding, str):
        return f"padding={module.padding!r}"
    return ""


class _Conv2d(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, module: nn.Conv2d, tape: Tape
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.module, ctx.tape = module, tape
        return functional.conv2d(x, weight, bias, module.stride, module.padding, module.dilation)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        module, tape = ctx.module, ctx.tape
        tape.check_armed()
        if ctx.needs_input_grad[1]:
            grid = Grid.of(module, x, grad)
            tape.add(module.weight, correlation(grid, whole(x.detach()), whole(grad), tape))
        if ctx.needs_input_grad[2]:
            each = whole(grad).sum((2, 3)).view(tape.patients, tape.views, -1)
            tape.add(module.bias, Stored(each.sum(1) if tape.views > 1 else each[:, 0]))
        inner = None
        if ctx.needs_input_grad[0]:
            like = weight.to(grad.dtype)
            inner = _conv_backward(grad, x.to(grad.dtype), like, module, [True, False, False])[0]
            inner = inner.to(x.dtype)
        return inner, None, None, None, None


def _conv_backward(
    grad: Tensor,
    x: Tensor,
    weight: Tensor,
    conv: "nn.Conv2d | Grid",
    mask: list[bool],
    groups: int = 1,
) -> tuple[Tensor, Tensor, Tensor]:
    """Run torch's own backward of a convolution."""
    return torch.ops.aten.convolution_backward(
        grad, x, weight, None, conv.stride, conv.padding, conv.dilation, False, [0, 0], groups, mask
    )


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The shapes of one convolution, and of the padded grid on which it is a set of offsets."""

    inputs: int
    outputs: int
    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    size: Pair

    @classmethod
    def of(cls, module: nn.Conv2d, x: Tensor, grad: Tensor) -> "Grid":
        """Read the shapes of a call."""
        return cls(
            inputs=x.shape[1],
            outputs=grad.shape[1],
            kernel=_pair(module.kernel_size),
            stride=_pair(module.stride),
            padding=_pair(module.padding),
            dilation=_pair(module.dilation),
            size=_pair(grad.shape[2:]),
        )

    @classmethod
    def turned(cls, grid: "Grid") -> "Grid | None":
        """Return the convolution from output gradients to inputs, if it is one."""
        down, right = (k - 1 - p for k, p in zip(grid.kernel, grid.padding, strict=True))
        if grid.stride != (1, 1) or grid.dilation != (1, 1) or min(down, right) < 0:
            return None
        return cls(
            inputs=grid.outputs,
            outputs=grid.inputs,
            kernel=grid.kernel,
            stride=grid.stride,
            padding=(down, right),
            dilation=grid.dilation,
            size=(grid.size[0] + down - grid.padding[0], grid.size[1] + right - grid.padding[1]),
        )

    @property
    def reach(self) -> Pair:
        """Steps of the output grid that the kernel reaches beyond a position."""
        down, right = (
            (k - 1) * d // s
            for k, d, s in zip(self.kernel, self.dilation, self.stride, strict=True)
        )
        return down, right

    @property
    def padded(self) -> Pair:
        """Height and width of a phase of the padded input."""
        return self.size[0] + self.reach[0], self.size[1] + self.reach[1]

    @property
    def places(self) -> list[tuple[Pair, int]]:
        """For each place in the kernel, row by row: its phase, and its offset on the flat grid."""
        found = []
        for a in range(self.kernel[0]):
            down, u = divmod(a * self.dilation[0], self.stride[0])
            for b in range(self.kernel[1]):
                right, v = divmod(b * self.dilation[1], self.stride[1])
                found.append(((u, v), down * self.padded[1] + right))
        return found

    def span(self, views: int) -> int:
        """Length of the flat grid that holds every output position."""
        height, width = self.padded
        return views * height * width - self.reach[0] * width - self.reach[1]

    def lay(self, grad: Tensor, tape: Tape) -> Tensor:
        """Return output gradients on the padded grid, (patients, outputs, span)."""
        height, width = self.padded
        flat = grad.new_zeros(tape.patients, self.outputs, tape.views, height, width)
        split = grad.reshape(tape.patients, tape.views, self.outputs, *self.size).transpose(1, 2)
        flat[..., : self.size[0], : self.size[1]] = split
        return flat.flatten(2)[..., : self.span(tape.views)]

    def phase(self, x: Tensor, tape: Tape, phase: Pair) -> Tensor:
        """Return one phase of the padded input, (patients, inputs, views x height x width)."""
        height, width = self.padded
        flat = x.new_zeros(tape.patients, self.inputs, tape.views, height, width)
        split = x.reshape(tape.patients, tape.views, self.inputs, *x.shape[2:]).transpose(1, 2)
        (i, rows), (j, columns) = (
            _overlap(phase[n], self.stride[n], self.padding[n], x.shape[2 + n], self.padded[n])
            for n in (0, 1)
        )
        piece = split[..., rows, :][..., columns]
        flat[..., i : i + piece.shape[3], j : j + piece.shape[4]] = piece
        return flat.flatten(2)


def _overlap(phase: int, stride: int, padding: int, size: int, room: int) -> tuple[int, slice]:
    """Return where a phase of a padded axis begins to hold input, and which input."""
    first = max(0, -((phase - padding) // stride))
    start = phase + stride * first - padding
    stop = min(size, start + stride * (room - first))
    return first, slice(start, max(start, stop), stride)


def _pair(values: Any) -> Pair:
    """Return two integers as a pair."""
    one, two = values
    return int(one), int(two)


def correlation(grid: Grid, x: Tensor, grad: Tensor, tape: Tape) -> Piece:
    """Choose, from shapes alone, how to keep a convolution's per-patient weight gradients.

    Costs are in nanoseconds for one patient on one core, measured: storing costs for each weight,
    Gram matrices for their products and one pass for each place in the kernel.
    """
    span, places = grid.span(tape.views), len(grid.places)
    phases = len({phase for phase, _ in grid.places})
    storing = 5 * places * grid.inputs * grid.outputs
    square = (span + grid.reach[0] * grid.padded[1]) ** 2
    ghost = square * (phases * grid.inputs + grid.outputs) / 11 + places * span**2 * 1.6
    if ghost < storing:
        return Correlation(grid, x, grad, tape)
    return Chunks.of(each_weight(grid, x, grad, tape))


def each_weight(grid: Grid, x: Tensor, grad: Tensor, tape: Tape) -> Iterator[Tensor]:
    """Yield every patient's weight gradient, a cache full of patients at a time.

    A convolution of stride 1 to few channels is slow this way; inputs and output gradients then
    change places, which turns the kernel round.
    """
    turned = Grid.turned(grid)
    if grid.outputs < 8 <= grid.inputs and turned is not None:
        for each in each_weight(turned, grad, x, tape):
            yield each.flip(3, 4).transpose(1, 2)
        return
    size = grid.outputs, grid.inputs, *grid.kernel
    step = patients_at_once(size, x)
    inner = x.reshape(tape.patients, tape.views, *x.shape[1:])
    outer = grad.reshape(tape.patients, tape.views, *grad.shape[1:])
    for start in range(0, tape.patients, step):
        i, o = (
            v[start : start + step].transpose(0, 1).reshape(tape.views, -1, *v.shape[3:])
            for v in (inner, outer)
        )
        patients = min(step, tape.patients - start)
        like = x.new_empty(1).expand(patients * grid.outputs, *size[1:])
        each = _conv_backward(o, i, like, grid, [False, True, False], patients)[1]
        yield each.view(patients, *size)


@dataclass(frozen=True)
class Correlation:
    """Inputs and output gradients, not multiplied out; see `Piece`."""

    grid: Grid
    inner: Tensor
    outer: Tensor
    tape: Tape

    def squared(self) -> Tensor:
        """See `Piece`: the Gram matrices of shifted inputs and of output gradients, and `SLACK`."""
        outer = self.grid.lay(self.outer, self.tape)
        span = outer.shape[2]
        shifted = outer.new_zeros(len(outer), span, span)
        for phase in dict.fromkeys(p for p, _ in self.grid.places):
            inner = self.grid.phase(self.inner, self.tape, phase)
            gram = torch.bmm(inner.mT, inner)
            for own, offset in self.grid.places:
                if own == phase:
                    end = offset + span
                    shifted += gram[:, offset:end, offset:end]
        most = self.most()
        shifted *= torch.bmm(outer.mT, outer)
        return shifted.flatten(1).sum(1).clamp_(min=0) + SLACK * most

    def most(self) -> Tensor:
        """Return what no squared norm exceeds: each input meets each place of the kernel once."""
        size = self.tape.patients
        inner = squared_norm(self.inner.reshape(size, -1)) + self.inner[0].numel() * TINY
        outer = squared_norm(self.outer.reshape(size, -1)) + self.outer[0].numel() * TINY
        return len(self.grid.places) * inner * outer

    def weighted(self, weights: Weights) -> Tensor:
        """See `Piece`: one ordinary weight gradient, with scaled output gradients."""
        rows = weights.repeat(self.tape.views)
        like = self.outer.new_empty(self.grid.outputs, self.grid.inputs, *self.grid.kernel)
        outer, inner = rows.scale(self.outer), rows.silence(self.inner)
        return _conv_backward(outer, inner, like, self.grid, [False, True, False])[1]

    def each(self) -> Tensor:
        """See `Piece`."""
        return torch.cat([*each_weight(self.grid, self.inner, self.outer, self.tape)])
