"""A generator of spectra whose mean embedding by class is that of a noisy release."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from dpsynth.models.base import Progress

BATCH = 500  # spectra made at each step
LATENT = 20  # normals that a picture is made of


class SpectrumMaker(nn.Module):
    """A perceptron from noise and a class to a spectrum.

    Args:
        numbers: of a spectrum.
        classes: of pictures.
        width: of its two hidden layers.

    Shape:
        noise: (rows, LATENT), standard normal
        code: (rows,) classes
        return: (rows, numbers)
    """

    def __init__(self, numbers: int, classes: int, width: int) -> None:
        super().__init__()
        self.classes = classes
        self.layers = nn.Sequential(
            nn.Linear(LATENT + classes, width), nn.LayerNorm(width), nn.ReLU(),
            nn.Linear(width, width), nn.LayerNorm(width), nn.ReLU(),
            nn.Linear(width, numbers),
        )  # fmt: skip

    def forward(self, noise: Tensor, code: Tensor) -> Tensor:
        """Make spectra."""
        told = nn.functional.one_hot(code, self.classes).to(noise.dtype)
        return self.layers(torch.cat([noise, told], 1))


def embedded(spectra: Tensor, frequencies: Tensor) -> Tensor:
    """`FourierSums`' vectors in torch.

    Shape:
        spectra: (rows, width); frequencies: (frequencies, width)
        return: (rows, 2 * frequencies), of length 1 each
    """
    phase = spectra @ frequencies.T
    return torch.cat([phase.cos(), phase.sin()], 1) / len(frequencies) ** 0.5


def distance(vectors: Tensor, wanted: Tensor) -> Tensor:
    """Squared distance of the mean of vectors' law from a wanted one, but for a constant.

    The plain one, |mean - wanted|^2, is too large by (1 - |mean of the law|^2) / rows, for
    vectors have length 1: it would reward a generator that makes one picture only.

    Shape:
        vectors: (rows, features), of length 1; wanted: (features,)
    """
    rows = len(vectors)
    mean = vectors.mean(0)
    square = (rows * mean.square().sum() - 1) / (rows - 1)
    return square - 2 * (mean @ wanted)


def match(
    net: SpectrumMaker,
    wanted: np.ndarray,
    shares: np.ndarray,
    frequencies: np.ndarray,
    *,
    steps: int,
    rate: float,
    progress: Progress,
    device: torch.device,
) -> None:
    """Train the generator on released numbers alone.

    Args:
        net: is trained in place.
        wanted: (classes, features) noisy mean embeddings.
        shares: (classes,) of pictures; a rarer class's embedding has more noise, and counts less.
        frequencies: (frequencies, width), those of the release.
        steps, rate: of Adam; the rate falls to nothing.
    """
    net.to(device).train()
    W, goal = (
        torch.tensor(each, dtype=torch.float32, device=device) for each in (frequencies, wanted)
    )
    draws = torch.Generator(device=device).manual_seed(0)  # only what is released is shuffled
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    many = np.maximum(np.rint(BATCH * shares).astype(int), 2)
    code = torch.repeat_interleave(torch.arange(len(many)), torch.from_numpy(many)).to(device)
    for step in range(steps):
        noise = torch.randn(len(code), LATENT, generator=draws, device=device)
        made = embedded(net(noise, code), W)
        loss = made.new_zeros(())
        for each in range(len(many)):
            loss = loss + float(shares[each]) * distance(made[code == each], goal[each])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        progress("training", step + 1, steps)
