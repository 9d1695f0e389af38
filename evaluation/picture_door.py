"""Labelled pictures of an official split, and a door to them for who trains by DP-SGD."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from dpsynth.data.codec import Codec
from dpsynth.data.reader import read
from dpsynth.data.records import Records
from dpsynth.models.picture_objective import one_each
from dpsynth.models.waves import pixels_of
from dpsynth.privacy.door import Door
from dpsynth.privacy.draws import RowDraws
from dpsynth.privacy.noise import CryptoStream
from dpsynth.privacy.plan import Plan
from dpsynth.schema import Schema

FILE = "pneumoniamnist.npz"


def split(schema: Schema, path: Path, name: str) -> Records:
    """The records of one official split."""
    (at, whole), *_ = schema.tables.items()
    assert whole.picture is not None
    picture = whole.picture.model_copy(update={"splits": (name,)})
    tables = {at: whole.model_copy(update={"picture": picture})}
    return read([path], schema.model_copy(update={"tables": tables}))[0]


def opened(train: Records, books: Codec, plan: Plan, seed: int) -> Door:
    """A door to public data: the seed makes a row repeatable, which a release would refuse."""
    door = Door(train, plan=plan, randomness=CryptoStream(insecure_seed=seed))
    door.use(books)
    return door


def labelled(rows: tuple[Tensor, ...], draws: RowDraws) -> tuple[Tensor, Tensor, Tensor]:
    """One of each patient's pictures, drawn evenly, with its first visit column.

    Shape:
        rows: static, visits (rows, L, columns), length (rows,), pictures (rows, L, s, s, c)
        return: pictures (rows, c, s, s) in [-1, 1], codes (rows,), whether there was one (rows,)
    """
    _, now, picture, here = one_each(rows, draws)
    return pixels_of(picture), now[:, 0], here
