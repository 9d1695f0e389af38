"""The floor of pictures: for each class a Gaussian of low frequencies and noise of finer ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dpsynth.data.codec import Codec, Tokens
from dpsynth.errors import InputError
from dpsynth.models.base import Progress, planned
from dpsynth.models.class_noise import ClassNoise
from dpsynth.models.picture_start import PictureStart, illustrated
from dpsynth.models.settings import check_ranges, chosen
from dpsynth.models.state import State
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.plan import Plan
from dpsynth.schema import Schema

CHUNK = 2048  # pictures that are held as numbers at once
RANGES = {"kept": (1, 65), "facts_share": (1e-3, 1), "texture_share": (0, 1)}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What may be set. All public.

    Attributes:
        kept: frequencies along each side of a picture that go together; finer ones are noise of
            the class's strength. None takes 10, and 6 of pictures in colour, whose covariances
            would hold four times the noise else.
        facts_share: of the budget, for the columns beside the pictures.
        texture_share: of what pictures have, for how strong finer frequencies are; 0 leaves them
            out.
    """

    kept: int | None = None
    facts_share: float = 0.1
    texture_share: float = 0.05

    def __post_init__(self) -> None:
        """Check each number against its range."""
        check_ranges(self, RANGES)


class DctGaussian:
    """Columns from `warm.WarmStart`, pictures from `picture_start` given the label.

    Args:
        schema, codec, plan: public, or released.
        settings: fields of `Settings`.
    """

    def __init__(self, schema: Schema, codec: Codec, plan: Plan, **settings: Any) -> None:
        wanted = chosen(Settings, "dct-gaussian", settings)
        assert codec.picture is not None
        self._picture = codec.picture
        self._start = PictureStart(schema, codec, plan, wanted.kept, wanted.texture_share)

    @staticmethod
    def plan(schema: Schema, budget: Budget, count_epsilon: float = 0.0, **settings: Any) -> Plan:
        """Columns, then pictures, after what private columns need."""
        wanted = chosen(Settings, "dct-gaussian", settings)
        need_pictures(schema, "dct-gaussian")

        share = wanted.facts_share
        releases = PictureStart.releases(
            schema, share, 1 - share, wanted.kept, wanted.texture_share
        )
        return planned(schema, budget, releases, count_epsilon=count_epsilon)

    def fit(self, door: Door, state: State, progress: Progress, device: torch.device) -> None:
        """Ask, and fit."""
        self._start.fit(door, state, progress)
        progress("measuring", 1, 1)

    def tensors(self) -> dict[str, Tensor]:
        """The fitted chain and the Gaussians."""
        return self._start.tensors()

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take up saved ones."""
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
        rng = np.random.default_rng(seed)
        tokens = self._start.facts.sample(patients, rng, where)
        code = self._start.pictures.classes.of(tokens, *np.nonzero(tokens.inside))

        def made(part: slice) -> np.ndarray:
            return self._start.whole.back(self._start.spectra(code[part], rng))

        return illustrated(tokens, self._picture, made, CHUNK, progress)


def need_pictures(schema: Schema, model: str) -> None:
    """Refuse a schema without pictures.

    Raises:
        InputError: names the cure.
    """
    if schema.picture is None:
        raise InputError(
            f"model {model!r} makes pictures, and no table of the schema has a `picture:`; "
            "choose table-diffusion, table-gan or log-linear"
        )
