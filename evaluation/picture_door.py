"""Labelled pictures of an official split, and a door to them for who trains by DP-SGD."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dpsynth.data.codec import Codec, Tokens
from dpsynth.data.reader import read
from dpsynth.data.records import Records
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


def pictures(tokens: Tokens) -> tuple[np.ndarray, np.ndarray]:
    """All pictures, and whether their first visit column is its second category."""
    assert tokens.pictures is not None
    return tokens.pictures[tokens.inside], tokens.visits[tokens.inside][:, 0] == 1


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
    _, visits, length, pictures = rows
    turn = (draws.uniform(1)[:, 0] * length).long().clamp(max=visits.shape[1] - 1)
    row = torch.arange(len(length))
    shades = pictures[row, turn].float() / 127.5 - 1.0
    return shades.permute(0, 3, 1, 2), visits[row, turn, 0].clamp(min=0), length > 0


def normals(draws: RowDraws, *shape: int) -> Tensor:
    """(rows, *shape) standard normals of each row's own."""
    uniform = draws.uniform(math.prod(shape)).double()
    found = torch.special.ndtri((uniform + 2.0**-25).clamp(max=1 - 2.0**-25))
    return found.float().view(-1, *shape)


def shades(x: Tensor) -> np.ndarray:
    """(rows, c, s, s) in [-1, 1] -> (rows, s, s, c) uint8."""
    clear = ((x.clamp(-1, 1) + 1) * 127.5).round()
    return clear.permute(0, 2, 3, 1).numpy().astype(np.uint8)
