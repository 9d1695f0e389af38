"""What a model may not hold or do while patients pass through it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

from dpsynth.errors import InputError, PromiseError


def refuse_mixing(model: nn.Module) -> None:
    """Raise for a module that mixes patients or remembers them.

    Raises:
        InputError: batch normalisation of any kind, or running statistics.
    """
    for name, module in model.named_modules():
        if isinstance(module, _BatchNorm):
            raise InputError(
                f"module {name!r} ({type(module).__name__}) mixes patients, so that no gradient "
                "belongs to one of them: use GroupNorm or LayerNorm"
            )
        if isinstance(module, _InstanceNorm) and module.track_running_stats:
            raise InputError(
                f"module {name!r} ({type(module).__name__}) keeps running statistics of patients: "
                "set track_running_stats=False"
            )


@contextmanager
def full_precision() -> Iterator[None]:
    """Let float32 products be float32, whatever the user allows elsewhere; put back afterwards.

    Processors may round the factors of a product to 8 or 11 bits (bfloat16, TF32; convolutions on
    a GPU do by default). A norm found from Gram matrices loses its bound by that where terms
    cancel, a sum over patients moves by more than `norms.MARGIN`, and so do the other patients'
    gradients where a processor rounds them differently in a batch of another size.
    """
    backends = torch.backends
    cudnn, mkldnn = cast(Any, backends.cudnn), cast(Any, backends.mkldnn)  # torch types neither
    places = [backends.cuda.matmul, cudnn.conv, mkldnn.matmul, mkldnn.conv]
    before = [place.fp32_precision for place in places]
    try:
        for place in places:
            place.fp32_precision = "ieee"
        yield
    finally:
        for place, held in zip(places, before, strict=True):
            place.fp32_precision = held


@contextmanager
def frozen_buffers(model: nn.Module) -> Iterator[None]:
    """Put every buffer back on the way out, and raise if one had changed.

    Raises:
        PromiseError: a buffer was written, replaced, added or removed: it would carry what no
            clipping bounds and no noise covers.
    """
    before = {
        (name, key): (module, buffer, None if buffer is None else buffer.detach().clone())
        for name, module in model.named_modules()
        for key, buffer in module._buffers.items()
    }
    try:
        yield
    finally:
        changed = _restore(model, before)
    if changed:
        raise PromiseError(
            f"buffer {changed[0]!r} changed during a private step, which no clipping covers: "
            "compute it before training from public values, or make it a parameter"
        )


def _restore(
    model: nn.Module,
    before: dict[tuple[str, str], tuple[nn.Module, torch.Tensor | None, torch.Tensor | None]],
) -> list[str]:
    """Undo every change to a buffer, and return the names of those that had changed."""
    changed = []
    for name, module in model.named_modules():
        for key in [k for k in module._buffers if (name, k) not in before]:
            del module._buffers[key]
            changed.append(f"{name}.{key}".lstrip("."))
    for (name, key), (module, buffer, copy) in before.items():
        same = key in module._buffers and module._buffers[key] is buffer
        if buffer is not None and copy is not None and not _bit_equal(buffer, copy):
            with torch.no_grad():
                buffer.copy_(copy)
            same = False
        if not same:
            module._buffers[key] = buffer
            changed.append(f"{name}.{key}".lstrip("."))
    return changed


def _bit_equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two tensors hold the same values, NaN being equal to NaN."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if not (one.is_floating_point() or one.is_complex()):
        return torch.equal(one, other)
    return bool(((one == other) | (one.isnan() & other.isnan())).all())
