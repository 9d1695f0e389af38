"""DP-SGD of one network by Adam, with a moving average of its weights: taken up after a kill."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

from dpsynth.models.base import Progress
from dpsynth.models.packing import average, packed, unpack
from dpsynth.models.state import State
from dpsynth.privacy.door import Door, Objective

N = TypeVar("N", bound=nn.Module)


def descend(
    net: N,
    objective: Objective,
    door: Door,
    state: State,
    steps: int,
    *,
    rate: float,
    decay: float,
    save_every: int,
    progress: Progress,
    warm_up: Callable[[], None] | None = None,
    micro_batch: int | None = None,
) -> N:
    """Take the steps of the plan that are left; the average at the last one is returned.

    Args:
        net: on its device, at its start.
        objective: see `Door.step`.
        door, state: answers, and what was saved of them.
        steps: of the plan.
        rate: of Adam; ten steps up, then down to 0.3 of it in a straight line.
        decay: longest memory of the average.
        save_every: steps between checkpoints.
        progress: told of each step.
        warm_up: what a fresh run does to the network first, on what is released; saved too.
        micro_batch: patients whose gradients are held at once.
    """
    kept = copy.deepcopy(net)
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    modules, adam = {"net": net, "kept": kept}, {"adam": optimizer}
    restored = state.restore()
    if restored is not None:
        unpack(restored[0], modules, adam)
    elif warm_up is not None:
        warm_up()
        kept.load_state_dict(net.state_dict())
        state.checkpoint(packed(modules, adam), 0)
    for step in range(state.asked, steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * _ramp(step, steps)
        state.asking(step)
        door.step(net, objective, micro_batch)
        optimizer.step()
        average(kept, net, min(decay, (step + 1) / (step + 10)))
        done = step + 1
        if done % save_every == 0 or done == steps:
            state.checkpoint(packed(modules, adam), done)
        progress("training", done, steps)
    return kept


def _ramp(step: int, steps: int) -> float:
    return min(1.0, (step + 1) / 10) * (1 - 0.7 * step / steps)
