"""Where a run computes."""

from __future__ import annotations

import torch

from dpsynth.errors import InputError


def chosen_device(name: str) -> torch.device:
    """A torch device; "auto" takes a GPU where there is one.

    Raises:
        InputError: if the name is none, or the device is not there.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in {"cpu", "cuda"}:
        raise InputError(f"device must be auto, cpu, cuda or cuda:i, got {name!r}")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(f"device {name!r} is not there; use cpu")
    return device
