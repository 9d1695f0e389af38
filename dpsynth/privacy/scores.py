"""Numbers for codes: public or released look-up tables that turn tokens into vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dpsynth.data.codec import PAD, Tokens


@dataclass(frozen=True, kw_only=True)
class Scores:
    """One look-up table per field.

    Guarantee:
        Each patient's vectors are a function of that patient's tokens and of these tables,
        which hold nothing but public facts and earlier answers of the door.

    Attributes:
        static: (codes, scores) for each static field, and last for the number of visits
            (max_visits + 1, scores) where `counted`.
        turn: (max_visits + 1, max_visits, scores) of how many visits there are and which it is.
        visit: (codes, scores) for each visit field.
        blank: for each visit field the code of a missing value, or -1: what `carried` passes
            over.
        counted: whether the number of visits is scored.
        scale: (all scores: facts, turn, visit) by what each is multiplied before products are
            measured: its share of what the bound on a patient leaves.
    """

    static: tuple[np.ndarray, ...]
    turn: np.ndarray
    visit: tuple[np.ndarray, ...]
    blank: tuple[int, ...]
    counted: bool
    scale: np.ndarray

    @property
    def widths(self) -> tuple[int, int, int]:
        """How many scores a patient's facts, a turn and a visit have."""
        return (
            sum(table.shape[1] for table in self.static),
            self.turn.shape[2],
            sum(table.shape[1] for table in self.visit),
        )

    def facts(self, static: np.ndarray, length: np.ndarray) -> np.ndarray:
        """(rows, fields) and (rows,) -> (rows, scores of a patient's facts)."""
        codes = np.column_stack([static, length]) if self.counted else static
        return looked_up(self.static, codes)

    def now(self, codes: np.ndarray) -> np.ndarray:
        """(..., visit fields) -> (..., scores of a visit)."""
        return looked_up(self.visit, codes)

    def carry(self, before: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """(rows, fields) the last known codes, once these have been seen."""
        return np.where(codes == np.array(self.blank), before, codes)

    def places(self, length: np.ndarray, turn: np.ndarray | int) -> np.ndarray:
        """(rows,) numbers of visits, and which visit it is -> (rows, scores of a turn)."""
        return self.turn[length, turn]

    def nothing(self, rows: int) -> np.ndarray:
        """(rows, fields) what is carried before the first visit: missing, or else code 0."""
        return np.tile(np.maximum(np.array(self.blank, dtype=np.int64), 0), (rows, 1))

    def carried(self, tokens: Tokens) -> np.ndarray:
        """(patients, visits + 1, fields): the last known codes before each visit and after."""
        visits = tokens.visits.astype(np.int64)
        known = [self.nothing(len(tokens))]
        for turn in range(visits.shape[1]):
            codes = visits[:, turn]
            known.append(np.where(codes == PAD, known[-1], self.carry(known[-1], codes)))
        return np.stack(known, axis=1)


def looked_up(tables: tuple[np.ndarray, ...], codes: np.ndarray) -> np.ndarray:
    """(..., fields) codes -> (..., sum of scores); a code below 0 counts as 0."""
    if not tables:
        return np.zeros((*codes.shape[:-1], 0))
    codes = np.maximum(codes, 0)
    return np.concatenate([table[codes[..., j]] for j, table in enumerate(tables)], axis=-1)
