"""Learning from public pictures before the first patient is asked about: at no privacy cost."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from dpsynth.models.base import Progress
from dpsynth.models.edm import Gaussians
from dpsynth.models.picture_objective import PictureObjective
from dpsynth.privacy.draws import RowDraws
from dpsynth.privacy.spectrum import Spectrum

BATCH = 128


@runtime_checkable
class Pretrains(Protocol):
    """A model whose network may learn from public pictures first."""

    def learn_first(self, pictures: np.ndarray) -> None:
        """Hold them for `fit`.

        Args:
            pictures: (pictures, size, size, channels) uint8; public.
        """


def learnt_first(
    net: nn.Module,
    objective: PictureObjective,
    pictures: np.ndarray,
    codes: np.ndarray,
    *,
    facts: int,
    steps: int,
    rate: float,
    progress: Progress,
) -> None:
    """Train a network on what Gaussians do not know of public pictures.

    The pictures' own Gaussian takes the place of the patients' classes', so what is learnt is
    what Gaussians lack, not how these pictures look on the whole; codes are drawn without
    regard to the picture, so the network learns to look past them.

    Guarantee:
        Nothing but public pictures and released codes is read.

    Args:
        net: on its device; trained in place.
        objective: of the patients' pictures; its Gaussians are put back afterwards.
        pictures: (pictures, size, size, channels) uint8.
        codes: (any, fields) of records that the released chain drew.
        facts: how many of the fields are of the patient, not of the visit.
        steps, rate: of Adam.
        progress: told of each step.
    """
    device, held = next(net.parameters()).device, objective.gaussians
    assert held is not None
    objective.gaussians = public_gaussians(objective.spectrum, pictures, held, device)
    optimizer, rng = torch.optim.Adam(net.parameters(), lr=rate), np.random.default_rng()
    for step in range(steps):
        some, given = (rng.integers(0, len(each), BATCH) for each in (pictures, codes))
        rows = _rows(pictures[some], codes[given], facts, device)
        seed = int(torch.randint(2**62, ()))
        ready = objective.prepare(rows, RowDraws(torch.arange(BATCH, device=device), seed))
        loss = objective.loss(net, *ready).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        progress("learning from public pictures", step + 1, steps)
    objective.gaussians = held
    net.zero_grad()


def public_gaussians(
    spectrum: Spectrum, pictures: np.ndarray, like: Gaussians, device: torch.device
) -> Gaussians:
    """The pictures' own Gaussian, once for each class of another's, over the same numbers."""
    known, others = like.known.cpu().numpy(), like.others.cpu().numpy()
    numbers = spectrum.of(pictures)
    values, vectors = np.linalg.eigh(np.cov(numbers[:, known], rowvar=False))
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    classes = len(like.means)
    return Gaussians.of(
        np.stack([numbers[:, known].mean(axis=0)] * classes),
        np.stack([root] * classes),
        device,
        known=known,
        variances=np.stack([(numbers[:, others] ** 2).mean(axis=0)] * classes),
    )


def _rows(
    pictures: np.ndarray, codes: np.ndarray, facts: int, device: torch.device
) -> tuple[Tensor, ...]:
    """As the door would show patients of one picture each."""
    given = torch.from_numpy(codes).to(device)
    length = torch.ones(len(codes), dtype=torch.long, device=device)
    shown = torch.from_numpy(pictures).to(device)
    return given[:, :facts], given[:, None, facts:], length, shown[:, None]
