"""Many tables in one question, with one bound on what a patient adds to all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from dpsynth.data.codec import Codec, Tokens
from dpsynth.errors import BudgetError
from dpsynth.privacy.query import Query


@dataclass(frozen=True, kw_only=True)
class ClippedTables:
    """Tables whose joint contribution of a patient is scaled down to a public bound.

    A patient whose visits differ spreads over many cells, and so moves the tables by less than
    the worst case, in which all of a patient's weight meets in one cell of each table. With
    a bound below that worst case the noise is smaller; patients whose contribution is larger
    (those whose visits are alike, or few) count for less.

    Guarantee:
        Adding or removing one patient moves the answer by at most `bound` in L2: a patient's
        own rows, times the tables' weights and laid end to end, are multiplied by
        min(1, bound / norm), a function of that patient alone; other patients' rows do not
        change.

    Attributes:
        tables: their weights are relative precisions, within this question.
        bound: on the norm of a patient's rows, in weighted patients.
        weight: of this question in a joint release.
    """

    tables: tuple[Query, ...]
    bound: float
    weight: float = 1.0

    def __post_init__(self) -> None:
        """Refuse weights that the joint release can't see and that would void the bound."""
        if not (self.tables and 0 < self.bound < np.inf):
            raise BudgetError(f"there must be tables and a positive bound, got {self.bound!r}")
        if not all(0 < query.weight < np.inf for query in self.tables):
            raise BudgetError("every table's weight must be positive and finite")

    @property
    def sensitivity(self) -> float:
        """See the guarantee."""
        return self.bound

    def answer(self, tokens: Tokens, codec: Codec) -> np.ndarray:
        """(all cells,) the tables, each times its weight, end to end. Private."""
        parts = [(query.rows(tokens, codec), query.weight) for query in self.tables]
        scale = self._scale(parts, len(tokens))
        return np.concatenate([rows.T @ (scale * weight) for rows, weight in parts])

    def scale(self, tokens: Tokens, codec: Codec) -> np.ndarray:
        """(patients,) by what each patient's rows are multiplied. Private, as `answer` is."""
        parts = [(query.rows(tokens, codec), query.weight) for query in self.tables]
        return self._scale(parts, len(tokens))

    def _scale(self, parts: list[tuple[csr_array, float]], patients: int) -> np.ndarray:
        length = np.zeros(patients)
        for rows, weight in parts:  # squares are of rows alone: a weight may be very small
            length = np.hypot(length, np.sqrt(rows.multiply(rows).sum(axis=1)) * weight)
        return self.bound / np.maximum(length, self.bound)

    def split(self, answer: np.ndarray, codec: Codec) -> list[np.ndarray]:
        """The tables of a noisy answer, in the order of `tables`, in (scaled) patients."""
        shapes = [query.shape(codec) for query in self.tables]
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
        parts = np.split(answer, ends[:-1])
        return [
            part.reshape(shape) / query.weight
            for part, shape, query in zip(parts, shapes, self.tables, strict=True)
        ]
