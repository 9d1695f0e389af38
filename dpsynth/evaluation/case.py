"""The data sets of one evaluation, and what its steps share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.data.records import Records
from dpsynth.evaluation.evaluation import Row
from dpsynth.evaluation.leakage.black_box import Coins
from dpsynth.schema import Schema

Made = TypeVar("Made")
Step = tuple[str, Callable[[], list[Row]]]  # the name that progress shows, and the work


@dataclass(frozen=True, kw_only=True)
class Side:
    """One data set in both forms."""

    records: Records
    tokens: Tokens

    def __len__(self) -> int:
        """Number of patients."""
        return len(self.tokens)

    def take(self, patients: np.ndarray) -> Side:
        """Those patients."""
        return Side(records=self.records.take(patients), tokens=self.tokens.take(patients))


@dataclass(frozen=True, kw_only=True)
class Case:
    """The data sets of one evaluation, and what they mean.

    Attributes:
        train: the patients the copy was made from.
        holdout: patients of the same population that it was not made from.
        synthetic: the copy.
        schema, codec: public facts.
        seed: of everything random.
        unprotected: a copy by the same model without noise, if there is one.
        anonymeter: Python of an environment that has anonymeter, if its attacks are wanted.
        coins: how patients were held out, if each was by a coin of its own.
    """

    train: Side
    holdout: Side
    synthetic: Side
    schema: Schema
    codec: Codec
    seed: int
    unprotected: Side | None = None
    anonymeter: Path | None = None
    coins: Coins | None = None
    _known: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def rng(self, purpose: int) -> np.random.Generator:
        """A generator of its own for each purpose, so that no step moves another."""
        return np.random.default_rng([self.seed, purpose])

    def once(self, name: str, make: Callable[[Case], Made]) -> Made:
        """What several steps need (models, drawn patients), made by the first of them."""
        if name not in self._known:
            self._known[name] = make(self)
        made: Made = self._known[name]
        return made
