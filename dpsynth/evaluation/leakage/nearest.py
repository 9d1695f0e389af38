"""How far patients are from the most similar of others, and the attack that asks nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dpsynth.data.codec import Tokens
from dpsynth.evaluation.leakage.copies import flat
from dpsynth.evaluation.leakage.membership import Attack

BLOCK = 64  # patients at a time, so that a block of distances stays in the cache


@dataclass(frozen=True, kw_only=True)
class Distances:
    """How similar the most similar patients are to attacked ones, as attackers see it.

    Attributes:
        member: (patients,) whether each was trained on.
        to_copy: (patients,) share of codes in which the most similar synthetic patient differs.
        to_others: (patients,) the same for real patients whom the attacker has from elsewhere:
            they were not trained on, and are not attacked.
        codes: number of codes of a patient.
        note: why the distances mean nothing, if so.
    """

    member: np.ndarray
    to_copy: np.ndarray
    to_others: np.ndarray
    codes: int
    note: str = ""


def nearest_attack(known: Distances) -> Attack:
    """The nearest-neighbour attack: who has a close synthetic twin was trained on."""
    return Attack(known.member, -known.to_copy, known.note)


def nearest(tokens: Tokens, others: Tokens, *, but_self: bool = False) -> np.ndarray:
    """(patients,) share of codes in which the most similar of the others differs.

    Args:
        tokens: patients.
        others: whom they are compared with; without any, everyone is 1 away.
        but_self: whether the two are the same patients, and nobody is compared with himself.
    """
    codes, closest = flat(tokens).shape[1], np.ones(len(tokens))
    if len(others) <= but_self:
        return closest
    for start, _, apart in differing(flat(tokens), flat(others)):
        if but_self:
            own = np.arange(len(apart))
            apart[own, start + own] = codes
        closest[start : start + len(apart)] = apart.min(axis=1) / max(codes, 1)
    return closest


def differing(
    known: np.ndarray, others: np.ndarray
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Blocks of numbers of codes that differ.

    Args:
        known, others: (patients, codes), as `flat` makes them.

    Yields:
        Where the block starts, its rows of `known`, and (rows, others) numbers of codes.
    """
    columns = np.ascontiguousarray(others.T)
    for start in range(0, len(known), BLOCK):
        block = known[start : start + BLOCK]
        apart = np.zeros((len(block), len(others)), dtype=np.uint16)
        unlike = np.empty(apart.shape, dtype=bool)
        for place, column in enumerate(columns):
            np.not_equal(block[:, place, None], column[None, :], out=unlike)
            np.add(apart, unlike, out=apart)
        yield start, block, apart
