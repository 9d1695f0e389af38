"""Networks, optimisers and arrays as tensors under names of their own, and back."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

Modules = Mapping[str, nn.Module]
Optimizers = Mapping[str, torch.optim.Optimizer]


def packed(modules: Modules, optimizers: Optimizers) -> dict[str, Tensor]:
    """All weights and moments, for a checkpoint, which is internal."""
    held: dict[str, Tensor] = {}
    for name, module in modules.items():
        held |= {f"{name}.{key}": value for key, value in module.state_dict().items()}
    for name, optimizer in optimizers.items():
        for index, moments in optimizer.state_dict()["state"].items():
            held |= {f"{name}.{index}.{key}": value for key, value in moments.items()}
    return held


def unpack(held: Mapping[str, Tensor], modules: Modules, optimizers: Optimizers) -> None:
    """Inverse of `packed`."""
    for name, module in modules.items():
        module.load_state_dict(under(name, held))
    for name, optimizer in optimizers.items():
        moments: dict[int, dict[str, Tensor]] = {}
        for key, value in under(name, held).items():
            index, part = key.split(".")
            moments.setdefault(int(index), {})[part] = value
        optimizer.load_state_dict(optimizer.state_dict() | {"state": moments})


def under(name: str, held: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What was packed under that name."""
    prefix = f"{name}."
    return {k.removeprefix(prefix): v for k, v in held.items() if k.startswith(prefix)}


def as_tensors(arrays: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    """Copies, which safetensors can write."""
    return {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}


def as_arrays(tensors: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    """Inverse of `as_tensors`."""
    return {name: value.numpy() for name, value in tensors.items()}


def average(kept: nn.Module, net: nn.Module, decay: float) -> None:
    """Move the kept weights towards the net's by 1 - decay."""
    with torch.no_grad():
        for old, new in zip(kept.parameters(), net.parameters(), strict=True):
            old.lerp_(new, 1 - decay)
