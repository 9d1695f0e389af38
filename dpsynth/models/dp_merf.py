"""DP-MERF, a floor of pictures: one noisy mean embedding, and a generator fitted to it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dpsynth.data.codec import Codec, Tokens
from dpsynth.errors import InputError
from dpsynth.models.base import Progress, planned
from dpsynth.models.cleaning import cleaned_counts
from dpsynth.models.dct_gaussian import need_pictures
from dpsynth.models.mean_match import LATENT, SpectrumMaker, match
from dpsynth.models.packing import as_arrays, as_tensors, under
from dpsynth.models.picture_start import illustrated
from dpsynth.models.settings import check_ranges, chosen
from dpsynth.models.spectra import classes
from dpsynth.models.state import State
from dpsynth.models.warm import WarmStart
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.picture_features import FourierSums
from dpsynth.privacy.picture_sums import OfPictures
from dpsynth.privacy.plan import Plan
from dpsynth.privacy.query import Question
from dpsynth.privacy.spectrum import Spectrum
from dpsynth.schema import Schema

CHUNK = 4096  # pictures made at once
RANGES = {
    **dict.fromkeys(("frequencies", "steps", "width"), (1, math.inf)),
    **dict.fromkeys(("bandwidth", "rate"), (1e-9, math.inf)),
    "kept": (1, 65),
    "facts_share": (1e-3, 1),
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What may be set. All public; none is chosen by looking at data.

    Attributes:
        kept: frequencies along each side of a picture; others are left out.
        facts_share: of the budget, for the columns beside the pictures.
        frequencies: random ones, each with a cosine and a sine in the release.
        bandwidth: of the kernel, against the length that a spectrum is publicly taken to have.
        steps, rate: of the generator's training.
        width: of the generator.
    """

    kept: int = 10
    facts_share: float = 0.1
    frequencies: int = 1000
    bandwidth: float = 0.5
    steps: int = 1000
    rate: float = 1e-3
    width: int = 256

    def __post_init__(self) -> None:
        """Check each number against its range."""
        check_ranges(self, RANGES)


class DpMerf:
    """Columns from `warm.WarmStart`; pictures given the label from a generator (`mean_match`).

    All that is learnt of pictures is one release, "embeddings": how many each class has, and
    the sums of their random Fourier features. The generator is fitted to that alone.

    NOTE(paper): Harder et al. 2021 embed pixels and take the bandwidth from the data, which
    nothing pays for. Here spectra are embedded, about equally large by public weights, and the
    bandwidth is a public multiple of the length that those weights give a picture.

    Args:
        schema, codec, plan: public, or released.
        settings: fields of `Settings`.
    """

    def __init__(self, schema: Schema, codec: Codec, plan: Plan, **settings: Any) -> None:
        self.settings = chosen(Settings, "dp-merf", settings)
        self._plan = plan
        self._facts = WarmStart(schema, codec, plan)
        assert codec.picture is not None
        self._picture = codec.picture
        size, channels = codec.picture.size, codec.picture.channels
        self._spectrum = Spectrum(size=size, channels=channels, kept=min(self.settings.kept, size))
        self._classes = classes(schema, codec)
        self.net = SpectrumMaker(
            self._spectrum.width, self._classes.count(codec), self.settings.width
        )

    @staticmethod
    def plan(schema: Schema, budget: Budget, count_epsilon: float = 0.0, **settings: Any) -> Plan:
        """Columns, then pictures, after what private columns need."""
        wanted = chosen(Settings, "dp-merf", settings)
        need_pictures(schema, "dp-merf")
        assert schema.picture is not None
        if schema.picture.channels > 1 or not schema.picture.upright:
            # In colour its bandwidth mixed up the classes of a test with a known truth.
            raise InputError(
                "model 'dp-merf' makes grey pictures that have a way up; of others choose "
                "dct-gaussian, image-gan or image-diffusion"
            )

        def releases(left: float) -> tuple[tuple[str, float], ...]:
            facts = WarmStart.releases(schema, left * wanted.facts_share)
            return (*facts, ("embeddings", left * (1 - wanted.facts_share)))

        return planned(schema, budget, releases, count_epsilon=count_epsilon)

    def fit(self, door: Door, state: State, progress: Progress, device: torch.device) -> None:
        """Ask, and fit the generator to the answer."""
        self._facts.fit(door, state, progress)
        W = self.frequencies()
        found = state.once("embeddings", lambda: door.measure("embeddings", self._questions(W)))
        total = float(self._plan.population)
        counts = cleaned_counts(found[1:], total)
        match(
            self.net,
            found[0] / counts[:, None],
            counts / total,
            W,
            steps=self.settings.steps,
            rate=self.settings.rate,
            progress=progress,
            device=device,
        )

    def frequencies(self) -> np.ndarray:
        """(frequencies, width) of the kernel; public, and always the same."""
        width = self._spectrum.width
        shape = (self.settings.frequencies, width)
        return np.random.default_rng(0).normal(size=shape) / (self.settings.bandwidth * width**0.5)

    def tensors(self) -> dict[str, Tensor]:
        """The generator and the chain of the columns."""
        held = {f"net.{name}": value for name, value in self.net.state_dict().items()}
        return held | {f"facts.{k}": v for k, v in as_tensors(self._facts.arrays()).items()}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take up saved ones."""
        self.net.load_state_dict(under("net", tensors))
        self._facts.take_up(as_arrays(under("facts", tensors)))

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
        draws = torch.Generator(device=device).manual_seed(seed)
        tokens = self._facts.sample(patients, np.random.default_rng(seed), where)
        found = self._classes.of(tokens, *np.nonzero(tokens.inside))
        code = torch.from_numpy(found).to(device)

        def made(part: slice) -> np.ndarray:
            noise = torch.randn(len(code[part]), LATENT, generator=draws, device=device)
            with torch.no_grad():
                return self._spectrum.back(self.net(noise, code[part]).cpu().numpy())

        return illustrated(tokens, self._picture, made, CHUNK, progress)

    def _questions(self, W: np.ndarray) -> list[Question]:
        """Sums of features and, where there are classes, how many pictures are of each."""
        width = self._spectrum.width
        of = OfPictures(spectrum=self._spectrum, classes=self._classes, centre=np.zeros(width))
        return [FourierSums(of=of, frequencies=W), *self._classes.counted()]
