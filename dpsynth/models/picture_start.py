"""What every model of pictures begins with: columns by a chain, and a Gaussian for each class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from torch import Tensor

from dpsynth.data.codec import Codec, Tokens
from dpsynth.models.base import Progress, Shares
from dpsynth.models.class_noise import ClassNoise
from dpsynth.models.packing import as_arrays, as_tensors, under
from dpsynth.models.spectra import Spectra, spectrum_of
from dpsynth.models.state import State
from dpsynth.models.texture import NAME, Texture
from dpsynth.models.warm import WarmStart
from dpsynth.privacy.door import Door
from dpsynth.privacy.plan import Plan
from dpsynth.schema import Picture, Schema


class PictureStart:
    """Columns from `warm.WarmStart`, pictures given the label from `Spectra` and `Texture`.

    Args:
        schema, codec, plan: public, or released; the plan holds the releases of `releases`.
        kept: frequencies along each side of a picture that go together; none for `spectra.KEPT`.
        texture_share: of what pictures have of the budget, for how strong finer ones are; with 0
            they are left out.

    Attributes:
        facts, pictures, texture: the three parts.
        whole: all frequencies of a picture.
        known: (coarse width,) where those that go together stand among all.
    """

    def __init__(
        self, schema: Schema, codec: Codec, plan: Plan, kept: int | None, texture_share: float
    ) -> None:
        self.facts = WarmStart(schema, codec, plan)
        self.pictures = Spectra(schema, codec, plan, kept)
        coarse = self.pictures.spectrum
        self.whole = replace(coarse, kept=coarse.size)
        self.known = coarse.places_in(self.whole)
        drawn = self.whole if texture_share else coarse
        self.texture = Texture(plan, coarse, drawn, self.pictures.classes)
        self._fine = np.setdiff1d(drawn.places_in(self.whole), self.known)

    @staticmethod
    def releases(
        schema: Schema,
        facts_share: float,
        pictures_share: float,
        kept: int | None,
        texture_share: float,
    ) -> Callable[[float], Shares]:
        """What the plan must hold: what is left of the budget -> names, and shares of all of it.

        Args:
            schema: with pictures.
            facts_share, pictures_share: of what is left.
            kept, texture_share: as above.
        """
        assert schema.picture is not None
        nothing_finer = spectrum_of(schema.picture, kept).kept == schema.picture.size

        def releases(left: float) -> Shares:
            facts = WarmStart.releases(schema, left * facts_share)
            of_pictures = left * pictures_share
            if not texture_share or nothing_finer:
                return (*facts, *Spectra.releases(of_pictures))
            of_texture = texture_share * of_pictures
            return (*facts, *Spectra.releases(of_pictures - of_texture), (NAME, of_texture))

        return releases

    def fit(self, door: Door, state: State, progress: Progress) -> None:
        """Ask, and fit."""
        self.facts.fit(door, state, progress)
        self.pictures.fit(door, state)
        self.texture.fit(door, state, self.pictures.counts, self.pictures.middle)

    def spectra(self, code: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(rows,) classes -> (rows, whole width) of pictures of those classes."""
        return self.textured(self.pictures.numbers(code, rng), code, rng)

    def textured(
        self, numbers: np.ndarray, code: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """(rows, coarse width) numbers of those classes -> (rows, whole width), with texture."""
        made = np.zeros((len(code), self.whole.width))
        made[:, self.known] = numbers
        made[:, self._fine] = self.texture.draw(self.pictures.standing(numbers, code), code, rng)
        return made

    def tensors(self) -> dict[str, Tensor]:
        """All that was learnt."""
        held = {
            "facts": self.facts.arrays(),
            "pictures": self.pictures.arrays(),
            "texture": self.texture.arrays(),
        }
        return {f"{name}.{k}": v for name in held for k, v in as_tensors(held[name]).items()}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take up what `tensors` gave."""
        self.facts.take_up(as_arrays(under("facts", tensors)))
        self.pictures.take_up(as_arrays(under("pictures", tensors)))
        self.texture.take_up(as_arrays(under("texture", tensors)))

    def by_class(self) -> tuple[ClassNoise, ...]:
        """What noise left of each class's mean picture."""
        return self.pictures.by_class()


def with_one_visit(tokens: Tokens) -> Tokens:
    """As they are; or, of so much noise that nobody has a picture, with one of the first codes."""
    if tokens.inside.any():
        return tokens
    tokens.visits[:, :1] = 0
    return replace(tokens, length=np.minimum(tokens.length + 1, 1).astype(np.int16))


def illustrated(
    tokens: Tokens,
    picture: Picture,
    made: Callable[[slice], np.ndarray],
    chunk: int,
    progress: Progress,
) -> Tokens:
    """With a picture at every visit, made part by part.

    Args:
        tokens: without pictures.
        picture: their size and channels.
        made: places in the order of `Tokens.inside` -> (rows, size, size, channels) uint8.
        chunk: pictures that are made at once.
        progress: told after each part.
    """
    patient, turn = np.nonzero(tokens.inside)
    frame = (picture.size, picture.size, picture.channels)
    pictures = np.zeros((*tokens.visits.shape[:2], *frame), dtype=np.uint8)
    for start in range(0, len(patient), chunk):
        part = slice(start, start + chunk)
        pictures[patient[part], turn[part]] = made(part)
        progress("generating", min(start + chunk, len(patient)), len(patient))
    return replace(tokens, pictures=pictures)
