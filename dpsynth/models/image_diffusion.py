"""Diffusion of pictures' spectra: about the warm start's Gaussians, then trained by DP-SGD."""

from __future__ import annotations

from collections.abc import Mapping
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
from dpsynth.models.image_diffusion_settings import Settings
from dpsynth.models.nets.denoiser import Denoiser
from dpsynth.models.nets.unet import UNet
from dpsynth.models.packing import under
from dpsynth.models.picture_objective import PictureObjective
from dpsynth.models.picture_start import PictureStart, illustrated, with_one_visit
from dpsynth.models.pretraining import learnt_first
from dpsynth.models.settings import chosen
from dpsynth.models.state import State
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.plan import Plan
from dpsynth.schema import Schema

HELD = 2**22  # numbers of pictures that are drawn at once
DRAWN = 2048  # patients whose codes stand beside public pictures


class ImageDiffusion:
    """Columns from `warm.WarmStart`; pictures given them by diffusion about `picture_start`.

    Before training the network says nothing, and what is sampled is the Gaussians; DP-SGD adds
    what they do not know. All that is learnt is a function of the door's answers.

    Args:
        schema, codec, plan: public, or released.
        settings: fields of `Settings`.
    """

    def __init__(self, schema: Schema, codec: Codec, plan: Plan, **settings: Any) -> None:
        self.settings = chosen(Settings, "image-diffusion", settings)
        assert codec.picture is not None
        self.plan_, self._picture = plan, codec.picture
        self._public: np.ndarray | None = None
        self._start = PictureStart(
            schema, codec, plan, self.settings.kept, self.settings.texture_share
        )
        self._whole = self.settings.network == "unet"  # whether fine frequencies are diffused
        spectrum = self._start.whole if self._whole else self._start.pictures.spectrum
        self.objective = PictureObjective(codec, spectrum, self._start.pictures.classes)
        size = self.settings.wide, self.settings.depth
        self.net = (
            UNet(spectrum, self.objective.sizes, *size)
            if self._whole
            else Denoiser(spectrum.width, self.objective.sizes, *size)
        )

    def learn_first(self, pictures: np.ndarray) -> None:
        """Hold public pictures for `fit`: see `pretraining.Pretrains`."""
        self._public = pictures

    @staticmethod
    def plan(schema: Schema, budget: Budget, count_epsilon: float = 0.0, **settings: Any) -> Plan:
        """Columns, Gaussians, then DP-SGD, after what private columns need."""
        wanted = chosen(Settings, "image-diffusion", settings)
        need_pictures(schema, "image-diffusion")
        batch = wanted.batch or min(max(budget.population // 8, 64), 1024)
        training = dpsgd(
            budget, batch, clip_norm=wanted.clip_norm, steps=wanted.steps, views=wanted.views
        )

        releases = PictureStart.releases(
            schema,
            wanted.facts_share,
            wanted.pictures_share,
            wanted.kept,
            wanted.texture_share,
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
            micro_batch=asked.micro_batch,
            progress=progress,
            warm_up=None if self._public is None else lambda: self._learn_first(progress),
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
    ) -> Tokens:
        """Columns first, then a picture for each visit."""
        self.net.to(device).eval()
        self._centre(device)
        draws = torch.Generator(device=device).manual_seed(seed)
        rng = np.random.default_rng(seed)
        tokens = self._start.facts.sample(patients, rng, where)
        codes, of_class = self.objective.codes_of(tokens)

        def made(part: slice) -> np.ndarray:
            given = torch.from_numpy(codes[part]).to(device)
            code = torch.from_numpy(of_class[part]).to(device)
            numbers = self._spectra(given, code, draws).cpu().numpy()
            if not self._whole:
                numbers = self._start.textured(numbers, of_class[part], rng)
            return self._start.whole.back(numbers)

        chunk = max(16, min(4096, HELD // self.objective.spectrum.width))
        return illustrated(tokens, self._picture, made, chunk, progress)

    def _spectra(self, codes: Tensor, of_class: Tensor, draws: torch.Generator) -> Tensor:
        """(rows, width) by the probability flow."""
        gaussians = self.objective.gaussians
        assert gaussians is not None

        def guess(x: Tensor, sigma: Tensor) -> Tensor:
            D, sd, seen = gaussians.guess(x, sigma, of_class)
            return D + sd * self.net(seen, sigma.log(), codes)

        with torch.no_grad():
            x = gaussians.draw(of_class, SIGMA_MAX, draws)
            return sampled(x, guess, self.settings.sampling_steps, self.settings.churn, draws)

    def _learn_first(self, progress: Progress) -> None:
        """From public pictures, beside codes that the columns' chain drew."""
        assert self._public is not None
        drawn = self._start.facts.sample(DRAWN, np.random.default_rng())
        learnt_first(
            self.net,
            self.objective,
            self._public,
            self.objective.codes_of(with_one_visit(drawn))[0],
            facts=drawn.static.shape[1],
            steps=self.settings.public_steps,
            rate=self.settings.public_rate,
            progress=progress,
        )

    def _centre(self, device: torch.device) -> None:
        held, rest = self._start.pictures.arrays(), {}
        if self._whole:
            rest = {"known": self._start.known, "variances": self._start.texture.variances()}
        self.objective.gaussians = Gaussians.of(held["means"], held["roots"], device, **rest)
