"""What every model of pictures begins with: columns by a chain, and a Gaussian for each class."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from dpsynth.data.codec import Codec
from dpsynth.models.base import Progress, Shares
from dpsynth.models.class_noise import ClassNoise
from dpsynth.models.packing import as_arrays, as_tensors, under
from dpsynth.models.spectra import Spectra
from dpsynth.models.state import State
from dpsynth.models.warm import WarmStart
from dpsynth.privacy.door import Door
from dpsynth.privacy.plan import Plan
from dpsynth.schema import Schema


class PictureStart:
    """Columns from `warm.WarmStart`, pictures given the label from `spectra.Spectra`.

    Args:
        schema, codec, plan: public, or released; the plan holds the releases of `releases`.
        kept: frequencies along each side of a picture; none for `spectra.KEPT`.

    Attributes:
        facts, pictures: the two.
    """

    def __init__(self, schema: Schema, codec: Codec, plan: Plan, kept: int | None) -> None:
        self.facts = WarmStart(schema, codec, plan)
        self.pictures = Spectra(schema, codec, plan, kept)

    @staticmethod
    def releases(schema: Schema, facts_share: float, pictures_share: float) -> Shares:
        """What the plan must hold: names, and shares of the budget that add up to both."""
        facts = WarmStart.releases(schema, facts_share)
        return (*facts, *Spectra.releases(pictures_share))

    def fit(self, door: Door, state: State, progress: Progress) -> None:
        """Ask, and fit."""
        self.facts.fit(door, state, progress)
        self.pictures.fit(door, state)

    def tensors(self) -> dict[str, Tensor]:
        """All that was learnt."""
        held = {f"facts.{k}": v for k, v in as_tensors(self.facts.arrays()).items()}
        return held | {f"pictures.{k}": v for k, v in as_tensors(self.pictures.arrays()).items()}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take up what `tensors` gave."""
        self.facts.take_up(as_arrays(under("facts", tensors)))
        self.pictures.take_up(as_arrays(under("pictures", tensors)))

    def by_class(self) -> tuple[ClassNoise, ...]:
        """What noise left of each class's mean picture."""
        return self.pictures.by_class()
