"""The critic of a picture: what fixed filters see of it, read by few weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy.fft import dct
from torch import Tensor, nn
from torch.nn import functional

from dpsynth.models.nets.visit_net import Codes

PATCH = 4  # pixels along a side of a filter
GRID = 6  # places along a side at which a filter's strength is read
LEAST = 8  # pixels along a side of the coarsest scale
SOFT = 1e-3  # rounds off the corner of a strength at nothing


class PictureCritic(nn.Module):
    """One score per picture, high for what looks real given its columns.

    Under DP-SGD noise grows with the number of weights, so the first layers are not learnt:
    each scale of the picture, halved again and again, goes through the cosine transform of its
    patches, and the mean strength of each frequency is read at a grid of places (fixed filters
    of this kind beat learnt ones under privacy: Tramer and Boneh 2021). What is learnt is one
    linear reading of all that, and a few that bend and that the codes weigh.

    Args:
        size, channels: of a picture.
        sizes: codes of the fields beside it; none if there are none.
        width: readings that bend.

    Shape:
        pictures: (rows, channels, size, size) in [-1, 1]; codes: (rows, fields)
        return: (rows,)

    No layer mixes rows and none depends on the batch, so per-patient gradients are exact.
    """

    bank: Tensor
    centre: Tensor
    spread: Tensor

    def __init__(self, size: int, channels: int, sizes: Sequence[int], width: int) -> None:
        super().__init__()
        self.channels = channels
        self.scales = 1
        while size // 2 ** (self.scales + 1) >= LEAST and self.scales < 4:
            self.scales += 1
        self.register_buffer("bank", _bank(), persistent=False)
        seen = channels * GRID**2 * (1 + self.scales * len(self.bank))
        self.register_buffer("centre", torch.zeros(seen))
        self.register_buffer("spread", torch.ones(seen))
        self.plain = nn.Linear(seen, 1)
        nn.init.zeros_(self.plain.weight)
        self.bent = nn.Linear(seen, width)
        self.given = Codes(sizes, width) if sizes else None
        self.score = nn.Linear(width, 1, bias=False)
        nn.init.zeros_(self.score.weight)

    def see(self, pictures: Tensor) -> Tensor:
        """(rows, channels, size, size) -> (rows, what is seen); nothing in it is learnt."""
        found = [functional.adaptive_avg_pool2d(pictures, GRID).flatten(1)]
        for scale in range(self.scales):
            if scale:
                pictures = functional.avg_pool2d(pictures, 2)
            each = pictures.flatten(0, 1)[:, None]
            strength = (functional.conv2d(each, self.bank, stride=2).square() + SOFT**2).sqrt()
            pooled = functional.adaptive_avg_pool2d(strength, GRID)
            found.append(pooled.reshape(len(pictures), -1))
        return torch.cat(found, 1)

    def start_from(self, pictures: Tensor) -> None:
        """Standardise what is seen by generated pictures, which are public."""
        seen = self.see(pictures)
        self.centre.copy_(seen.mean(0))
        self.spread.copy_(seen.std(0) + 1e-3)

    def forward(self, pictures: Tensor, codes: Tensor) -> Tensor:
        """Score."""
        seen = (self.see(pictures) - self.centre) / self.spread / self.centre.numel() ** 0.5
        bent = torch.tanh(self.bent(seen) * self.centre.numel() ** 0.5)
        if self.given is not None:
            bent = bent * self.given(codes)
        return self.plain(seen)[:, 0] + self.score(bent)[:, 0]


def _bank() -> Tensor:
    """(filters, 1, PATCH, PATCH): the patch's cosine transform but for its mean."""
    waves = dct(np.eye(PATCH), axis=0, norm="ortho")
    both = np.einsum("ui,vj->uvij", waves, waves).reshape(-1, 1, PATCH, PATCH)[1:]
    return torch.tensor(both, dtype=torch.float32)
