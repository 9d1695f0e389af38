"""Diffusion of pictures' spectra: about the warm start's Gaussians, then trained by DP-SGD."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dpsynth.data.codec import Codec, Tokens
from dpsynth.models.base import Progress, dpsgd, planned
from dpsynth.models.class_noise import ClassNoise
from dpsynth.models.dct_gaussian import need_pictures
from dpsynth.models.descent import descend
from dpsynth.models.edm import SIGMA_MAX, Gaussians, sampled
from dpsynth.models.nets.denoiser import Denoiser
from dpsynth.models.packing import under
from dpsynth.models.picture_objective import PictureObjective
from dpsynth.models.picture_start import PictureStart
from dpsynth.models.settings import check_ranges, chosen
from dpsynth.models.state import State
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.plan import Plan
from dpsynth.schema import Schema

RANGES = {
    **dict.fromkeys(("batch", "steps", "views", "width", "depth", "save_every"), (1, math.inf)),
    **dict.fromkeys(("clip_norm", "rate"), (1e-9, math.inf)),
    **dict.fromkeys(("facts_share", "pictures_share"), (1e-3, 1)),
    "kept": (1, 65),
    "sampling_steps": (2, 1000),
    "decay": (0, 1),
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to train. All public; none is chosen by looking at data.

    Attributes:
        kept: frequencies along each side of a picture; others are left out. None takes 10, and
            6 of pictures in colour, whose covariances would hold four times the noise else.
        facts_share: of the budget, for the columns beside the pictures.
        pictures_share: of the budget, for the pictures' Gaussians.
        batch: expected patients per step; none takes population / 8 within 64 to 1024.
        steps: of DP-SGD.
        views: noisy pictures per patient, averaged before clipping.
        clip_norm: of one patient's gradient.
        rate: of Adam.
        decay: longest memory of the moving average of weights.
        width, depth: of the network.
        sampling_steps: noise levels on the way from noise to a picture.
        save_every: steps between checkpoints.
    """

    kept: int | None = None
    facts_share: float = 0.05
    pictures_share: float = 0.6
    batch: int | None = None
    steps: int = 150
    views: int = 4
    clip_norm: float = 1.0
    rate: float = 1e-3
    decay: float = 0.99
    width: int = 256
    depth: int = 2
    sampling_steps: int = 25
    save_every: int = 50

    def __post_init__(self) -> None:
        """Check each number against its range."""
        check_ranges(self, RANGES)


class ImageDiffusion:
    """Columns from `warm.WarmStart`; pictures given them by diffusion about `spectra.Spectra`.

    Before training the network says nothing, and what is sampled is the Gaussians; DP-SGD adds
    what they do not know. All that is learnt is a function of the door's answers.

    Args:
        schema, codec, plan: public, or released.
        settings: fields of `Settings`.
    """

    def __init__(self, schema: Schema, codec: Codec, plan: Plan, **settings: Any) -> None:
        self.settings = chosen(Settings, "image-diffusion", settings)
        self.plan_ = plan
        self._start = PictureStart(schema, codec, plan, self.settings.kept)
        spectrum = self._start.pictures.spectrum
        self.objective = PictureObjective(codec, spectrum, self._start.pictures.classes)
        self.net = Denoiser(
            spectrum.width, self.objective.sizes, self.settings.width, self.settings.depth
        )

    @staticmethod
    def plan(schema: Schema, budget: Budget, count_epsilon: float = 0.0, **settings: Any) -> Plan:
        """Columns, Gaussians, then DP-SGD, after what private columns need."""
        wanted = chosen(Settings, "image-diffusion", settings)
        need_pictures(schema, "image-diffusion")
        batch = wanted.batch or min(max(budget.population // 8, 64), 1024)
        training = dpsgd(
            budget, batch, clip_norm=wanted.clip_norm, steps=wanted.steps, views=wanted.views
        )

        def releases(left: float) -> tuple[tuple[str, float], ...]:
            return PictureStart.releases(
                schema, left * wanted.facts_share, left * wanted.pictures_share
            )

        return planned(schema, budget, releases, count_epsilon=count_epsilon, training=training)

    def fit(self, door: Door, state: State, progress: Progress, device: torch.device) -> None:
        """Ask for columns and Gaussians, train, and keep the moving average of the weights."""
        self._start.fit(door, state, progress)
        self._centre(device)
        training = self.plan_.training
        assert training is not None
        self.net.to(device)
        asked = self.settings
        self.net = descend(
            self.net,
            self.objective,
            door,
            state,
            training.steps,
            rate=asked.rate,
            decay=asked.decay,
            save_every=asked.save_every,
            progress=progress,
        )

    def tensors(self) -> dict[str, Tensor]:
        """The averaged weights, the Gaussians and the chain of the columns."""
        held = {f"net.{name}": value for name, value in self.net.state_dict().items()}
        return held | self._start.tensors()

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take up saved ones."""
        self.net.load_state_dict(under("net", tensors))
        self._start.load(tensors)

    def by_class(self) -> tuple[ClassNoise, ...]:
        """What noise left of each class's mean picture."""
        return self._start.by_class()

    def sample(
        self,
        patients: int,
        where: Mapping[int, int],
        seed: int,
        progress: Progress,
        device: torch.device,
        chunk: int = 4096,
    ) -> Tokens:
        """Columns first, then a picture for each visit."""
        self.net.to(device).eval()
        self._centre(device)
        draws = torch.Generator(device=device).manual_seed(seed)
        tokens = self._start.facts.sample(patients, np.random.default_rng(seed), where)
        codes, of_class = self.objective.codes_of(tokens)
        spectrum = self._start.pictures.spectrum
        frame = (spectrum.size, spectrum.size, spectrum.channels)
        made = np.zeros((len(codes), *frame), dtype=np.uint8)
        for start in range(0, len(codes), chunk):
            part = slice(start, start + chunk)
            given = torch.from_numpy(codes[part]).to(device)
            code = torch.from_numpy(of_class[part]).to(device)
            made[part] = spectrum.back(self._spectra(given, code, draws).cpu().numpy())
            progress("generating", min(start + chunk, len(codes)), len(codes))
        pictures = np.zeros((*tokens.visits.shape[:2], *frame), dtype=np.uint8)
        pictures[tokens.inside] = made
        return replace(tokens, pictures=pictures)

    def _spectra(self, codes: Tensor, of_class: Tensor, draws: torch.Generator) -> Tensor:
        """(rows, width) by the probability flow."""
        gaussians = self.objective.gaussians
        assert gaussians is not None

        def guess(x: Tensor, sigma: Tensor) -> Tensor:
            D, sd, seen = gaussians.guess(x, sigma, of_class)
            return D + sd * self.net(seen, sigma.log(), codes)

        with torch.no_grad():
            x = gaussians.draw(of_class, SIGMA_MAX, draws)
            return sampled(x, guess, self.settings.sampling_steps)

    def _centre(self, device: torch.device) -> None:
        held = self._start.pictures.arrays()
        self.objective.gaussians = Gaussians.of(held["means"], held["roots"], device)
