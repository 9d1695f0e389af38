"""DP-FETA: noisy central images, a network warmed up on them, then DPDM.

Gong et al. 2025 (IEEE S&P), "From easy to hard: building a shortcut for differentially private
image synthesis".
"""

from __future__ import annotations

import copy
import zlib
from dataclasses import dataclass

import numpy as np
import torch
from dpdm import P_MEAN, P_STD, RATE, Dpdm
from recipe import Task, steps_within
from torch import Tensor
from torch.nn import functional

from dpsynth.data.codec import Codec, Tokens
from dpsynth.privacy.door import Door
from dpsynth.privacy.moments import UNSAID, clipped

SHARE = 0.1  # of the budget, for central images
WARM = 0.25  # of the time, for the warm-up
GROUPS = 5  # central images of each class
BOUND = 0.5  # on the length of a picture in [-1, 1], against that of black or white
SHIFT = 2  # pixels by which a central image is moved in the warm-up


@dataclass(frozen=True, kw_only=True)
class CentralImages:
    """Sums of pictures by class and group, and how many there are of each.

    NOTE(paper): there each central image is the mean of a fresh Poisson sample of a class. Here
    the groups are disjoint, so that together they cost what one does.

    Guarantee:
        A picture's group is a hash of that picture alone, so a patient moves no other's group.
        Each picture stands in one cell (group, class) with pixels of length at most `bound` and
        a one for the count; a patient adds the mean of such vectors: one patient, added or
        removed, moves the answer by at most hypot(bound, bound) in L2, counts being in units
        of the bound.

    Attributes:
        size, channels, classes, groups, bound: public.
        weight: in a joint release.
    """

    size: int
    channels: int
    classes: int
    groups: int
    bound: float
    weight: float = 1.0

    @property
    def sensitivity(self) -> float:
        """See the guarantee."""
        return self.bound * 2**0.5

    @UNSAID
    def answer(self, tokens: Tokens, codec: Codec) -> np.ndarray:
        """(groups, classes, pixels + 1) the exact sums; the last is the count. Private."""
        assert tokens.pictures is not None
        width = self.channels * self.size**2
        total = np.zeros((self.groups, self.classes, width + 1))
        patient, turn = np.nonzero(tokens.inside)
        for who, when in zip(patient, turn, strict=True):
            picture = tokens.pictures[who, when]
            group = zlib.crc32(picture.tobytes()) % self.groups
            pixels = picture.transpose(2, 0, 1).reshape(1, -1) / 127.5 - 1.0
            added = np.append(clipped(pixels, self.bound)[0], self.bound)
            total[group, tokens.visits[who, when, 0]] += added / tokens.length[who]
        return total


class DpFeta(Dpdm):
    """The recipe.

    Args:
        task: public.
    """

    def __init__(self, task: Task) -> None:
        super().__init__(task, 1 - WARM, (("central", SHARE),))
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=RATE)
        self.draws = torch.Generator().manual_seed(task.seed)
        frame = (task.channels, task.size, task.size)
        made_up = torch.rand(GROUPS, task.classes, *frame, generator=self.draws) * 2 - 1
        blank = copy.deepcopy(self.net.state_dict())
        self.warm_steps = steps_within(task.limit_s * WARM, lambda: self._warm(made_up))
        self.net.load_state_dict(blank)  # the probe has trained it on noise
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=RATE)

    def fit(self, door: Door) -> None:
        """Ask for central images, warm up on them, and go on as DPDM does."""
        task = self.task
        bound = BOUND * (task.channels * task.size**2) ** 0.5
        asked = CentralImages(
            size=task.size,
            channels=task.channels,
            classes=task.classes,
            groups=GROUPS,
            bound=bound,
        )
        found = door.measure("central", [asked])[0]
        counts = np.maximum(found[..., -1:] / bound, 1.0)
        central = torch.tensor(found[..., :-1] / counts, dtype=torch.float32).clamp(-1, 1)
        frame = (task.channels, task.size, task.size)
        for _ in range(self.warm_steps):
            self._warm(central.view(GROUPS, task.classes, *frame))
        super().fit(door)

    def _warm(self, central: Tensor) -> None:
        """A plain step on central images, moved and noised."""
        draws, rows = self.draws, self.batch
        group = torch.randint(GROUPS, (rows,), generator=draws)
        code = torch.randint(self.task.classes, (rows,), generator=draws)
        clean = moved(central[group, code], draws)
        sigma = torch.exp(P_MEAN + P_STD * torch.randn(rows, generator=draws))
        noise = torch.randn(clean.shape, generator=draws)
        here = torch.ones(rows, dtype=torch.bool)
        self.optimizer.zero_grad()
        self.loss.loss(self.net, clean, noise, sigma, code, here).mean().backward()
        self.optimizer.step()


def moved(clean: Tensor, draws: torch.Generator) -> Tensor:
    """Each picture moved by a few pixels; what comes in repeats the edge."""
    wide = functional.pad(clean, [SHIFT] * 4, mode="replicate")
    up, left = torch.randint(2 * SHIFT + 1, (2, len(clean)), generator=draws)
    size = clean.shape[-1]
    place = torch.arange(size)
    rows, columns = up[:, None] + place, left[:, None] + place
    which = torch.arange(len(clean))[:, None, None]
    return wide.transpose(0, 1)[:, which, rows[:, :, None], columns[:, None, :]].transpose(0, 1)
