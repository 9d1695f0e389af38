"""Denoising score matching of a patient's pictures, about the warm start's Gaussians."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from dpsynth.data.codec import Codec, Tokens
from dpsynth.models.edm import P_MEAN, P_STD, Gaussians
from dpsynth.models.waves import Waves
from dpsynth.privacy.draws import RowDraws, normals
from dpsynth.privacy.picture_sums import Classes
from dpsynth.privacy.spectrum import Spectrum


class PictureObjective:
    """Of one of a patient's pictures, drawn evenly: how wrong the guess of its spectrum is.

    A patient's loss depends on that patient's pictures and columns only.

    Args:
        codec: public, or released.
        spectrum, classes: of the warm start.
    """

    def __init__(self, codec: Codec, spectrum: Spectrum, classes: Classes) -> None:
        self.sizes = [each.size for each in (*codec.static, *codec.visit)]
        self.spectrum, self.classes = spectrum, classes
        self.gaussians: Gaussians | None = None
        self.waves = Waves(spectrum)
        places, signs = spectrum.ways
        self._places = torch.from_numpy(places)
        self._signs = torch.tensor(signs, dtype=torch.float32)

    def prepare(self, rows: tuple[Tensor, ...], draws: RowDraws) -> tuple[Tensor, ...]:
        """Choose a picture, turn it where it has no way up, add noise, and let the Gaussian guess.

        Shape:
            rows: static (rows, fields), visits (rows, L, V), length (rows,), pictures
            return: what the network sees, the noise's level, codes, what it should say, and
                whether there was a picture at all
        """
        static, now, picture, here = one_each(rows, draws)
        codes = torch.cat([static, now], 1)
        z = self.waves.of(picture)
        if len(self._places) > 1:
            z = self.turned(z, draws.uniform(1)[:, 0])
        sigma = torch.exp(P_MEAN + P_STD * normals(draws, 1)[:, 0])
        x = z + sigma[:, None] * normals(draws, z.shape[1])
        assert self.gaussians is not None
        D, sd, seen = self.gaussians.guess(x, sigma, self.of_class(static, now))
        return seen, sigma.log(), codes, (z - D) / sd, here

    def turned(self, z: Tensor, uniform: Tensor) -> Tensor:
        """(rows, width) spectra, each turned or mirrored as its uniform says."""
        way = (uniform * len(self._places)).long().clamp(max=len(self._places) - 1)
        places, signs = self._places.to(z.device)[way], self._signs.to(z.device)[way]
        return z.gather(1, places) * signs

    def of_class(self, static: Tensor, now: Tensor) -> Tensor:
        """(rows,) class of each row's picture."""
        if self.classes.per_visit is None:
            return torch.zeros(len(static), dtype=torch.long, device=static.device)
        return (now if self.classes.per_visit else static)[:, self.classes.place]

    def loss(self, model: nn.Module, *rows: Tensor) -> Tensor:
        """(rows,) mean squared error in the Gaussian's own standard deviations."""
        seen, level, codes, target, here = rows
        wrong: Tensor = (model(seen, level, codes) - target).square().mean(1)
        return torch.where(here, wrong, 0.0)

    def codes_of(self, tokens: Tokens) -> tuple[np.ndarray, np.ndarray]:
        """(pictures, fields) codes and (pictures,) classes, in the order of `Tokens.inside`."""
        patient, turn = np.nonzero(tokens.inside)
        codes = np.concatenate([tokens.static[patient], tokens.visits[patient, turn]], axis=1)
        return codes.astype(np.int64), self.classes.of(tokens, patient, turn)


def one_each(rows: tuple[Tensor, ...], draws: RowDraws) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """One of each patient's pictures, drawn evenly by the patient's own draw.

    Shape:
        rows: static (rows, fields), visits (rows, L, V), length (rows,), pictures (rows, L, ...)
        return: static, the visit's columns (rows, V), the picture, and whether there was one
    """
    static, visits, length, pictures = rows
    turn = (draws.uniform(1)[:, 0] * length).long().clamp(max=visits.shape[1] - 1)
    row = torch.arange(len(length), device=length.device)
    return static, visits[row, turn].clamp(min=0), pictures[row, turn], length > 0
