"""Which of the patients that hold the rules are taken, so that rejecting bends little.

A patient with many visits breaks some rule more easily than one with few, so that what is left
after rejecting has fewer visits, and fewer of a rare label, than the model learnt. Kept patients
are therefore taken by number of visits and label, in the shares that the model made.
"""

from __future__ import annotations

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.schema import Schema

ENDS = (0, 1, 2, 4, 8, 16, 32, 64, 128)  # classes of numbers of visits end here


def strata(tokens: Tokens, codec: Codec, schema: Schema) -> np.ndarray:
    """Each patient's class of visits and label; near classes have near numbers.

    Shape:
        return: (patients,) int, >= 0
    """
    found = np.searchsorted(ENDS, tokens.length)
    for place, field in enumerate(codec.static):
        if schema.label is not None and field.name == schema.label.column and field.categories:
            found = found + (len(ENDS) + 1) * tokens.static[:, place].astype(np.int64)
    return found


def taken(kept: np.ndarray, made: np.ndarray, patients: int) -> tuple[np.ndarray, int]:
    """Positions of the kept patients to take, and how many of them stand in for others.

    Args:
        kept: (kept,) strata of patients that hold the rules; at least `patients` of them.
        made: (made,) strata of all patients that the model made.
        patients: how many to take.

    Returns:
        Positions in order. A stratum in which too few were kept is filled up from the strata
        nearest to it.
    """
    size = 1 + int(max(kept.max(initial=0), made.max(initial=0)))
    share = np.bincount(made, minlength=size) * (patients / max(len(made), 1))
    goal = np.floor(share).astype(np.int64)
    goal[np.argsort(goal - share, kind="stable")[: patients - goal.sum()]] += 1
    order = np.argsort(kept, kind="stable")
    starts = np.searchsorted(kept[order], np.arange(size))
    rank = np.empty(len(kept), dtype=np.int64)
    rank[order] = np.arange(len(kept)) - starts[kept[order]]
    chosen = rank < goal[kept]
    lacking = goal - np.bincount(kept[chosen], minlength=size)
    for stratum in np.flatnonzero(lacking)[::-1]:
        free = np.flatnonzero(~chosen)
        near = np.argsort(np.abs(kept[free] - stratum), kind="stable")[: lacking[stratum]]
        chosen[free[near]] = True
    return np.flatnonzero(chosen), int(lacking.sum())
