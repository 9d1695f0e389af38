"""Questions that are tables: joint histograms over a patient's tokens, one unit per patient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.errors import BudgetError

Where = Literal["static", "length", "turn", "now", "next", "first", "last"]


@dataclass(frozen=True, order=True)
class Slot:
    """One axis of a table.

    Attributes:
        where: "static" fact; "length", the number of visits; "turn", which visit it is;
            "now" and "next", a column at a visit and at the one after; "first" and "last"
            visit's column.
        column: position of the field in the codec (0 for "length" and "turn").
    """

    where: Where
    column: int = 0

    def size(self, codec: Codec) -> int:
        """Number of cells along this axis."""
        if self.where == "static":
            return codec.static[self.column].size
        if self.where == "length":
            return codec.max_visits + 1
        if self.where == "turn":
            return codec.max_visits
        return codec.visit[self.column].size


@dataclass(frozen=True)
class Query:
    """A table over the joint values of its slots.

    A patient adds total weight 1, spread evenly over the places where the slots apply: once
    for static slots, over the visits for "now", over the pairs of neighbouring visits for
    "next". A patient without such a place adds nothing. So a time-pooled table estimates the
    average patient's distribution, however long the record.

    Guarantee:
        Adding or removing one patient moves the table by a vector of non-negative entries
        that sum to at most 1, so by at most 1 in L1 and hence in L2.

    Attributes:
        slots: the axes, in order.
        weight: relative precision in the joint release; noise goes with 1 / weight.
    """

    slots: tuple[Slot, ...]
    weight: float = 1.0

    def shape(self, codec: Codec) -> tuple[int, ...]:
        """Cells along each axis."""
        return tuple(slot.size(codec) for slot in self.slots)

    def answer(self, tokens: Tokens, codec: Codec) -> np.ndarray:
        """The exact table, float64. Private: only the door calls it."""
        reach = 0
        if any(slot.where in {"now", "turn"} for slot in self.slots):
            reach = 1
        if any(slot.where == "next" for slot in self.slots):
            reach = 2
        if reach == 0 and any(slot.where in {"first", "last"} for slot in self.slots):
            patient, turn = np.flatnonzero(tokens.length > 0), np.zeros(0, dtype=np.int64)
            share = np.ones(len(patient))
        elif reach == 0:
            patient, turn = np.arange(len(tokens)), np.zeros(0, dtype=np.int64)
            share = np.ones(len(patient))
        else:
            turns = np.arange(codec.max_visits)[None, :]
            places = tokens.length.astype(np.int64)[:, None] - (reach - 1)
            patient, turn = np.nonzero(turns < places)
            share = 1.0 / places[patient, 0]
        axes = [_codes(slot, tokens, patient, turn) for slot in self.slots]
        shape = self.shape(codec)
        flat = np.ravel_multi_index(axes, shape)
        return np.bincount(flat, weights=share, minlength=int(np.prod(shape))).reshape(shape)


def _codes(slot: Slot, tokens: Tokens, patient: np.ndarray, turn: np.ndarray) -> np.ndarray:
    if slot.where == "static":
        codes = tokens.static[patient, slot.column]
    elif slot.where == "length":
        codes = tokens.length[patient]
    elif slot.where == "turn":
        codes = turn
    elif slot.where == "now":
        codes = tokens.visits[patient, turn, slot.column]
    elif slot.where == "next":
        codes = tokens.visits[patient, turn + 1, slot.column]
    elif slot.where == "first":
        codes = tokens.visits[patient, 0, slot.column]
    else:
        codes = tokens.visits[patient, tokens.length[patient] - 1, slot.column]
    return codes.astype(np.int64)


def joint_sensitivity(queries: Sequence[Query]) -> float:
    """L2 sensitivity of all tables together, each scaled by its weight: sqrt(sum w^2).

    Raises:
        BudgetError: on a weight that is not positive.
    """
    weights = np.array([query.weight for query in queries])
    if not (np.isfinite(weights).all() and (weights > 0).all()):
        raise BudgetError("every query's weight must be positive and finite")
    return math.hypot(*weights.tolist())  # never underflows to 0, as squaring small weights would
