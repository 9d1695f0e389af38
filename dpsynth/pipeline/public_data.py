"""The public pictures of a run: read, named on the card, and kept until the run is finished."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dpsynth.data.public_pictures import PHANTOMS, public_pictures
from dpsynth.errors import InputError, RunError
from dpsynth.models import MODELS
from dpsynth.models.pretraining import Pretrains
from dpsynth.models.state import State
from dpsynth.schema import Schema

NAME = "public"


@dataclass(frozen=True, kw_only=True)
class PublicData:
    """What a network learns from before the first patient is asked about.

    Attributes:
        pictures: (pictures, size, size, channels) uint8.
        words: what they are, for the card.
    """

    pictures: np.ndarray = field(repr=False)
    words: str

    def keep(self, state: State) -> None:
        """Put them beside what a killed run takes up."""
        state.once(NAME, lambda: [self.pictures])


def learnt_first(source: str, schema: Schema, model: str) -> PublicData:
    """Read public pictures for a model that can learn from them.

    Raises:
        InputError: if it cannot, or there is no such source.
        DataError: if a file can't be read.
    """
    able = [name for name, kind in MODELS.items() if issubclass(kind, Pretrains)]
    if model not in able or schema.picture is None:
        raise InputError(
            f"model {model!r} does not learn from public pictures; {', '.join(able)} does"
        )
    pictures = public_pictures(source, schema.picture)
    origin = "phantoms drawn by a program" if source in PHANTOMS else "taken to be public"
    mark = hashlib.sha256(pictures.tobytes()).hexdigest()
    words = (
        f"{len(pictures)} pictures of {Path(source).name!r}, {origin} (SHA-256 of their pixels "
        f"{mark}); the network learnt from them before the first {schema.unit} was asked about. "
        "The promise does not cover them"
    )
    return PublicData(pictures=pictures, words=words)


def kept_pictures(state: State) -> np.ndarray:
    """What `PublicData.keep` left.

    Raises:
        RunError: if it is not there.
    """

    def lost() -> list[np.ndarray]:
        raise RunError("the public pictures of this run are lost; start anew")

    return state.once(NAME, lost)[0]
