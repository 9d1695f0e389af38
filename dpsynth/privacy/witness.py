"""A question that lets patients choose between two laws: the sum of a bounded score."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.privacy.moments import UNSAID


@dataclass(frozen=True, kw_only=True)
class Witness:
    """Sum over patients of a score that was fixed before anybody was asked.

    Guarantee:
        A patient adds a number in [-1, 1], or 0 if it is none: that is how far one patient,
        added or removed, moves the answer. The score is of a patient's own record, and smooth:
        what the size of a batch changes in a score's last digits changes as little here, while
        a yes or no could turn over for many patients at once.

    Attributes:
        score: records -> (patients,), each of its own record only; a function of public facts
            and earlier answers.
        weight: in a joint release.
    """

    score: Callable[[Tokens], np.ndarray]
    weight: float = 1.0

    @property
    def sensitivity(self) -> float:
        """See the guarantee."""
        return 1.0

    @UNSAID
    def answer(self, tokens: Tokens, codec: Codec) -> np.ndarray:
        """(1,) the exact sum. Private."""
        if not len(tokens):
            return np.zeros(1)
        each = np.nan_to_num(self.score(tokens), nan=0.0, posinf=0.0, neginf=0.0)
        return np.clip(each, -1.0, 1.0).sum(keepdims=True)
