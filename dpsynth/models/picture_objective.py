"""Denoising score matching of a patient's pictures, about the warm start's Gaussians."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from dpsynth.data.codec import Codec, Tokens
from dpsynth.models.edm import P_MEAN, P_STD, Gaussians
from dpsynth.models.nets.denoiser import Denoiser
from dpsynth.privacy.draws import RowDraws
from dpsynth.privacy.picture_sums import Classes
from dpsynth.privacy.spectrum import COLOURS, Spectrum


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
        place = (np.arange(spectrum.size) + 0.5) * math.pi / spectrum.size
        waves = np.cos(place[None, :] * np.arange(spectrum.kept)[:, None])
        waves *= np.where(np.arange(spectrum.kept) == 0, 1.0, 2.0**0.5)[:, None]
        self._waves = torch.tensor(waves / spectrum.size**0.5, dtype=torch.float32)
        self._scale = torch.tensor(spectrum.scale.copy(), dtype=torch.float32)
        self._held = torch.from_numpy(spectrum.held.flatten().nonzero()[0])
        places, signs = spectrum.ways
        self._places = torch.from_numpy(places)
        self._signs = torch.tensor(signs, dtype=torch.float32)
        self._colours = torch.tensor(COLOURS, dtype=torch.float32)

    def spectra(self, pictures: Tensor) -> Tensor:
        """(rows, size, size, channels) uint8 -> (rows, width): `Spectrum.of` in torch."""
        pixels = pictures.float() / 127.5 - 1.0
        if self.spectrum.channels == 3:
            pixels = pixels @ self._colours.to(pixels.device).T
        waves = self._waves.to(pixels.device)
        low = torch.einsum("ui,bijc,vj->bcuv", waves, pixels, waves)
        whole = (low / self._scale.to(pixels.device)).flatten(1)
        return whole[:, self._held.to(pixels.device)]

    def prepare(self, rows: tuple[Tensor, ...], draws: RowDraws) -> tuple[Tensor, ...]:
        """Choose a picture, turn it where it has no way up, add noise, and let the Gaussian guess.

        Shape:
            rows: static (rows, fields), visits (rows, L, V), length (rows,), pictures
            return: what the network sees, the noise's level, codes, what it should say, and
                whether there was a picture at all
        """
        static, visits, length, pictures = rows
        here = length > 0
        turn = (draws.uniform(1)[:, 0] * length).long().clamp(max=visits.shape[1] - 1)
        row = torch.arange(len(length), device=length.device)
        now = visits[row, turn].clamp(min=0)
        codes = torch.cat([static, now], 1)
        z = self.spectra(pictures[row, turn])
        if len(self._places) > 1:
            z = self.turned(z, draws.uniform(1)[:, 0])
        sigma = torch.exp(P_MEAN + P_STD * _normal(draws.uniform(1))[:, 0])
        x = z + sigma[:, None] * _normal(draws.uniform(z.shape[1]))
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

    def loss(self, model: Denoiser, *rows: Tensor) -> Tensor:
        """(rows,) mean squared error in the Gaussian's own standard deviations."""
        seen, level, codes, target, here = rows
        wrong = (model(seen, level, codes) - target).square().mean(1)
        return torch.where(here, wrong, 0.0)

    def codes_of(self, tokens: Tokens) -> tuple[np.ndarray, np.ndarray]:
        """(pictures, fields) codes and (pictures,) classes, in the order of `Tokens.inside`."""
        patient, turn = np.nonzero(tokens.inside)
        codes = np.concatenate([tokens.static[patient], tokens.visits[patient, turn]], axis=1)
        return codes.astype(np.int64), self.classes.of(tokens, patient, turn)


def _normal(uniform: Tensor) -> Tensor:
    """Standard normals of uniforms at 24 bits."""
    return torch.special.ndtri((uniform + 2.0**-25).clamp(max=1 - 2.0**-25).double()).float()
