"""What a small network of our own sees in pictures: it learnt from phantoms, never from patients.

A published network of natural photographs says little of small X-rays, and its name would
promise values that can be compared across papers. This one is trained anew, in half a minute,
from a seed, on pictures that a program drew: neither the copy nor any real picture has a part
in it, so its features are fixed before a picture is compared.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from dpsynth.data.phantoms import PhantomSet, chest, skin

WIDTH = 20
PATIENTS, STEPS, BATCH, RATE = 1000, 400, 64, 2e-3
SMALLEST, LARGEST = 16, 64  # sides that phantoms are drawn with; larger pictures are halved
DETAIL = 4.0  # by which the finest detail is made larger
NOISE = 0.3  # most noise added, in units of [-1, 1]
CHUNK = 1024


class Eye(nn.Module):
    """Three convolutions; means and spreads of their channels over the picture; a layer.

    It is shown the picture and, apart, its finest detail, which would drown in it.

    Shape:
        pictures: (rows, channels, size, size) in [-1, 1]
        return: (rows, WIDTH), each row of mean 0 and variance 1

    No layer mixes rows.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.waves = nn.Sequential(
            nn.Conv2d(2 * channels, 16, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2),
            nn.Conv2d(32, 48, 3, padding=1), nn.ReLU(),
        )  # fmt: skip
        self.leave = nn.Linear(96, WIDTH)

    def forward(self, pictures: Tensor) -> Tensor:
        """See above."""
        detail = DETAIL * (pictures - _soft(pictures))
        seen = self.waves(torch.cat([pictures, detail], 1)).flatten(2)
        spread = (seen.var(2, unbiased=False) + 1e-6).sqrt()
        features = self.leave(torch.cat([seen.mean(2), spread], 1))
        return functional.layer_norm(features, (WIDTH,))


def features(pictures: np.ndarray, seed: int = 0) -> np.ndarray:
    """(n, size, size, channels) uint8 -> (n, WIDTH) float64.

    Args:
        pictures: grey ones are seen by a network of chests, coloured ones by one of skin.
        seed: of that network.
    """
    size, channels = pictures.shape[2:]
    net = trained(size, channels, seed)
    with torch.no_grad():
        parts = [
            net(_tensor(pictures[start : start + CHUNK]))
            for start in range(0, len(pictures), CHUNK)
        ]
    seen = torch.cat(parts) if parts else torch.zeros(0, WIDTH)
    return seen.double().numpy()


@cache
def trained(size: int, channels: int, seed: int) -> Eye:
    """The network for pictures of that size, trained once in a process.

    It learns what is known of each phantom: its diagnosis, how severe it is, and how the
    picture was then turned, blurred, roughened and flattened.
    """
    side = min(max(size if size <= LARGEST else size // 2, SMALLEST), LARGEST)
    phantoms = (chest if channels == 1 else skin)(PATIENTS, seed, side)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pictures = _tensor(phantoms.images)
        kind, severity = _known(phantoms)
        net = Eye(channels)
        said = nn.Linear(WIDTH, len(phantoms.truth.classes) + 4 + 4)
        optimizer = torch.optim.Adam([*net.parameters(), *said.parameters()], lr=RATE)
        for _ in range(STEPS):
            rows = torch.randint(len(pictures), (BATCH,))
            changed, how, turns = _changed(pictures[rows])
            told = said(net(changed))
            classes, turned, numbers = told.split([told.shape[1] - 8, 4, 4], 1)
            truth = torch.cat([severity[rows, None], how], 1)
            loss = functional.cross_entropy(classes, kind[rows])
            loss = loss + functional.cross_entropy(turned, turns)
            loss = loss + 4 * functional.mse_loss(numbers, truth)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return net.eval()


def _tensor(pictures: np.ndarray) -> Tensor:
    """(rows, channels, side, side) in [-1, 1]; sides over `LARGEST` are halved."""
    found = torch.from_numpy(pictures.astype(np.float32) / 127.5 - 1).permute(0, 3, 1, 2)
    return functional.avg_pool2d(found, 2) if found.shape[-1] > LARGEST else found


def _soft(pictures: Tensor) -> Tensor:
    """Each pixel the mean of its three by three."""
    return functional.avg_pool2d(functional.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, 1)


def _known(phantoms: PhantomSet) -> tuple[Tensor, Tensor]:
    """Codes of the diagnoses, and severities."""
    names = list(phantoms.truth.classes)
    kind = [names.index(each) for each in phantoms.table[phantoms.truth.label]]
    severity = phantoms.table["truth_severity"].to_numpy(dtype=np.float32)
    return torch.tensor(kind), torch.from_numpy(severity)


def _changed(pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures that are blurred, flattened, roughened and turned; how much, and quarter turns."""
    how = torch.rand(len(pictures), 3)
    blur, flat, rough = how[:, :, None, None, None].unbind(1)
    soft = _soft(_soft(pictures))
    mean = pictures.mean((2, 3), keepdim=True)
    changed = (1 - blur) * pictures + blur * soft
    changed = mean + (1 - 0.7 * flat) * (changed - mean)
    changed = changed + NOISE * rough * torch.randn_like(changed)
    turns = torch.randint(4, (len(pictures),))
    turned = torch.stack([torch.rot90(changed, k, (2, 3)) for k in range(4)])
    return turned[turns, torch.arange(len(pictures))].clamp(-1, 1), how, turns
