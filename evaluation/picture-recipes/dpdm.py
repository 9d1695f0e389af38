"""DPDM: EDM's diffusion trained by DP-SGD from nothing, with noise multiplicity.

Dockhorn et al. 2023 (TMLR), "Differentially private diffusion models".
"""

from __future__ import annotations

import copy
import math
from itertools import pairwise

import numpy as np
import torch
from picture_door import labelled
from recipe import Task, steps_within
from torch import Tensor
from unet import SPREAD, UNet

from dpsynth.models.base import dpsgd
from dpsynth.models.packing import average
from dpsynth.privacy.accountant import calibrate
from dpsynth.privacy.door import Door
from dpsynth.privacy.draws import RowDraws, normals
from dpsynth.privacy.grad import clipped_sum

P_MEAN, P_STD, RHO = -1.2, 1.2, 7.0  # the paper's noise levels in training
SIGMA_MIN, SIGMA_MAX = 0.02, 10.0  # NOTE(paper): 0.002 and 80, which few steps don't bridge
# NOTE(paper): batches of 256 instead of 4096, 2 noises a picture instead of 32, and a larger
# rate with a shorter average: what 4 minutes of one core leave.
BATCH, VIEWS, CLIP, RATE, DECAY = 256, 2, 1.0, 3e-3, 0.95
LEVELS = 10  # of the sampler, whose steps but the last take the network twice
CHUNK = 512


class Denoising:
    """EDM's loss of one picture at a noise level of its own: a DP-SGD objective."""

    def prepare(self, rows: tuple[Tensor, ...], draws: RowDraws) -> tuple[Tensor, ...]:
        """The clean picture, noise, its level, the class, and whether there is a picture."""
        clean, code, here = labelled(rows, draws)
        sigma = torch.exp(P_MEAN + P_STD * normals(draws, 1)[:, 0])
        return clean, normals(draws, *clean.shape[1:]), sigma, code, here

    def loss(
        self, model: UNet, clean: Tensor, noise: Tensor, sigma: Tensor, code: Tensor, here: Tensor
    ) -> Tensor:
        """(rows,) squared errors, weighted so that all noise levels begin alike."""
        D = model(clean + sigma[:, None, None, None] * noise, sigma, code)
        weight = (sigma.square() + SPREAD**2) / (sigma * SPREAD).square()
        return torch.where(here, weight * (D - clean).square().mean((1, 2, 3)), 0.0)


class Dpdm:
    """The recipe.

    Args:
        task: public.
        private_share: of the time, for DP-SGD.
        releases: names and shares of the budget, where a recipe asks something before.
    """

    def __init__(
        self, task: Task, private_share: float = 1.0, releases: tuple[tuple[str, float], ...] = ()
    ) -> None:
        torch.manual_seed(task.seed)
        self.task, self.net, self.loss = task, UNet(task.channels, task.classes), Denoising()
        self.batch = min(BATCH, task.budget.population)
        steps = steps_within(task.limit_s * private_share, self._probe)
        training = dpsgd(task.budget, self.batch, clip_norm=CLIP, steps=steps, views=VIEWS)
        self.plan = calibrate(task.budget, releases, training)

    def fit(self, door: Door) -> None:
        """Train, and keep the moving average of the weights."""
        assert self.plan.training is not None
        steps, kept = self.plan.training.steps, copy.deepcopy(self.net)
        optimizer = torch.optim.Adam(self.net.parameters(), lr=RATE)
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = RATE * min(1.0, (step + 1) / 10) * (1 - 0.9 * step / steps)
            door.step(self.net, self.loss)
            optimizer.step()
            average(kept, self.net, min(DECAY, (step + 1) / (step + 10)))
        self.net = kept

    def draw(self, codes: Tensor) -> Tensor:
        """By the probability flow, without fresh noise."""
        draws = torch.Generator().manual_seed(self.task.seed)
        frame = (self.task.channels, self.task.size, self.task.size)
        with torch.no_grad():
            return torch.cat(
                [
                    flow(self.net, torch.randn(len(part), *frame, generator=draws), part)
                    for part in codes.split(CHUNK)
                ]
            )

    def _probe(self) -> None:
        """A step on noise instead of pictures."""
        rows = self.batch * VIEWS
        clean = torch.rand(rows, self.task.channels, self.task.size, self.task.size) * 2 - 1
        sigma, code = torch.ones(rows), torch.zeros(rows, dtype=torch.long)
        ready = (clean, torch.randn_like(clean), sigma, code, torch.ones(rows, dtype=torch.bool))
        clipped_sum(self.net, self.loss.loss, ready, clip_norm=CLIP, views=VIEWS)


def flow(net: UNet, noise: Tensor, code: Tensor) -> Tensor:
    """(rows, channels, s, s) pictures out of standard normals, by Heun's method."""
    ramp = np.linspace(SIGMA_MAX ** (1 / RHO), SIGMA_MIN ** (1 / RHO), LEVELS) ** RHO
    x = noise * math.hypot(SIGMA_MAX, SPREAD)
    for now, then in pairwise([*ramp.tolist(), 0.0]):
        slope = (x - net(x, x.new_full((len(x),), now), code)) / now
        ahead = x + (then - now) * slope
        if then > 0:
            other = (ahead - net(ahead, x.new_full((len(x),), then), code)) / then
            ahead = x + (then - now) * (slope + other) / 2
        x = ahead
    return x
