"""The public pictures of a run: read, named on the card, and kept until the run is finished."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dpsynth.data.phantoms import KINDS
from dpsynth.data.public_pictures import public_pictures
from dpsynth.errors import InputError, RunError
from dpsynth.models import MODELS
from dpsynth.models.pretraining import Pretrains
from dpsynth.models.state import State
from dpsynth.pipeline.access import plain_paths
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


def read_public(source: str, schema: Schema, model: str, data: Sequence[str | Path]) -> PublicData:
    """Read public pictures for a model that can learn from them.

    Guarantee:
        Patients' files are not taken for public ones because somebody names their folder: a
        source in, or around, what is trained on is refused. Paths alone decide; a copy of
        patients' pictures elsewhere is not noticed.

    Raises:
        InputError: if the model cannot, there is no such source, or it is the patients'.
        DataError: if a file can't be read.
    """
    able = [name for name, kind in MODELS.items() if issubclass(kind, Pretrains)]
    if model not in able or schema.picture is None:
        raise InputError(
            f"model {model!r} does not learn from public pictures; {', '.join(able)} does"
        )
    if source not in KINDS and _of_patients(Path(source), data, schema.picture.folder):
        raise InputError(
            f"--pretrain {source} holds what is trained on; nothing would protect these "
            "patients: give pictures that are public"
        )
    pictures = public_pictures(source, schema.picture)
    origin = "phantoms drawn by a program" if source in KINDS else "taken to be public"
    mark = hashlib.sha256(pictures.tobytes()).hexdigest()
    words = (
        f"{len(pictures)} pictures of {Path(source).name!r}, {origin} (SHA-256 of their pixels "
        f"{mark}); the network learnt from them before the first {schema.unit} was asked about. "
        "The promise does not cover them"
    )
    return PublicData(pictures=pictures, words=words)


def _of_patients(source: Path, data: Sequence[str | Path], folder: str) -> bool:
    """Whether a path is in, or around, the patients' files or the folder of their pictures."""
    here = source.resolve()
    for path in (each.resolve() for each in plain_paths(data)):
        scans = ((path if path.is_dir() else path.parent) / folder).resolve()
        if here == scans or path.is_relative_to(here) or scans.is_relative_to(here):
            return True
        # Beside a table that names pictures from its own folder, other folders may lie.
        if here.is_relative_to(path) or (scans != path.parent and here.is_relative_to(scans)):
            return True
    return False


def kept_pictures(state: State) -> np.ndarray:
    """What `PublicData.keep` left.

    Raises:
        RunError: if it is not there.
    """

    def lost() -> list[np.ndarray]:
        raise RunError("the public pictures of this run are lost; start anew")

    return state.once(NAME, lost)[0]
