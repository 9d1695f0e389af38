"""Questions that are tables: joint histograms over a patient's tokens, one unit per patient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from scipy.sparse import csr_array

from dpsynth.data.codec import Codec, Tokens
from dpsynth.errors import BudgetError


class Question(Protocol):
    """What can be asked in a joint release: a sum over patients with a bounded part for each.

    Attributes:
        weight: relative precision in the joint release; noise goes with 1 / weight.
        sensitivity: the most by which one patient, added or removed, moves the answer in L2.
    """

    @property
    def weight(self) -> float:
        """See above."""

    @property
    def sensitivity(self) -> float:
        """See above."""

    def answer(self, tokens: Tokens, codec: Codec) -> np.ndarray:
        """The exact sum, float64. Private: only the door calls it."""


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

    @property
    def sensitivity(self) -> float:
        """See the guarantee."""
        return 1.0

    def shape(self, codec: Codec) -> tuple[int, ...]:
        """Cells along each axis."""
        return tuple(slot.size(codec) for slot in self.slots)

    def answer(self, tokens: Tokens, codec: Codec) -> np.ndarray:
        """The exact table, float64. Private: only the door calls it."""
        _, flat, share = self._places(tokens, codec)
        shape = self.shape(codec)
        return np.bincount(flat, weights=share, minlength=int(np.prod(shape))).reshape(shape)

    def rows(self, tokens: Tokens, codec: Codec) -> csr_array:
        """(patients, cells): what each patient adds. Private, as `answer` is."""
        patient, flat, share = self._places(tokens, codec)
        shape = (len(tokens), int(np.prod(self.shape(codec))))
        return csr_array((share, (patient, flat)), shape=shape)  # adds up what meets in a cell

    def _places(self, tokens: Tokens, codec: Codec) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where the slots apply: the patient, the flat cell, and the patient's share there."""
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
        return patient, np.ravel_multi_index(axes, self.shape(codec)), share


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


def joint_sensitivity(questions: Sequence[Question]) -> float:
    """L2 sensitivity of all answers together, each scaled by its weight: sqrt(sum (w s)^2).

    Raises:
        BudgetError: on a weight or sensitivity that is not positive.
    """
    numbers = np.array([(each.weight, each.sensitivity) for each in questions])
    if not (np.isfinite(numbers).all() and (numbers > 0).all()):
        raise BudgetError("every question's weight and sensitivity must be positive and finite")
    parts = numbers.prod(axis=1)
    if not (parts > 0).all():  # lost in rounding: noise would be lost with it
        raise BudgetError("every question's weight and sensitivity must be positive and finite")
    return math.hypot(*parts.tolist())  # never underflows to 0, as squaring small weights would
