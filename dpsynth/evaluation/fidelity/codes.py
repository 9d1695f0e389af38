"""Codes of a long list, such as diagnoses: who ever has which, and which go together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.evaluation.estimate import (
    REPLICATES,
    Estimate,
    bootstrap_estimate,
    not_assessable,
    patient_weights,
)

MANY = 20  # a visit column with as many categories or more is a list of codes
LEAST = 20  # real patients who have a code that is compared
TOP = 50  # codes whose pairs are compared, the most frequent ones

Code = tuple[int, int]  # visit column, code


def prevalence(
    real: Tokens, other: Tokens, codec: Codec, *, replicates: int = REPLICATES, seed: int = 0
) -> Estimate:
    """Mean absolute difference of the shares of patients who ever have a code.

    Scenario:
        Someone counts the patients with diabetes, with gout, with each diagnosis of the list,
        at whatever visit. Codes are those of visit columns with MANY categories or more that
        at least LEAST real patients have; each code of each column counts the same.

    Args:
        real: the real patients compared with, usually the holdout.
        other: synthetic patients, or real ones for the reference.
        codec: public code books; missing is no code.
        replicates: bootstrap replicates over patients of both sets.
        seed: of the bootstrap.

    Returns:
        0: each code is as frequent as in real data; at most 1, but shares are mostly small.

    Errors:
        No such column, no such code, or nobody in `other`: not assessable.
    """
    return _compared(real, other, frequent(real, codec), lambda ever: ever, replicates, seed)


def co_occurrence(
    real: Tokens, other: Tokens, codec: Codec, *, replicates: int = REPLICATES, seed: int = 0
) -> Estimate:
    """Mean absolute difference of the shares of patients who ever have both of two codes.

    Scenario:
        Someone asks how many patients with gout also have diabetes, at the same visit or at
        another. Pairs are of the TOP codes of `prevalence` that most real patients have; a pair
        of codes of two columns counts as well. Arguments as in `prevalence`.

    Returns:
        0: each pair is as frequent as in real data; at most 1, but shares are mostly small.

    Errors:
        As `prevalence`, or fewer than two such codes: not assessable.
    """
    return _compared(real, other, frequent(real, codec)[:TOP], _pairs, replicates, seed)


def frequent(real: Tokens, codec: Codec) -> list[Code]:
    """Codes that at least LEAST real patients have, the most frequent first."""
    found: list[tuple[int, Code]] = []
    who, turn = np.nonzero(real.inside)
    for place, each in enumerate(codec.visit):
        if len(each.categories) < MANY:
            continue
        code = real.visits[who, turn, place].astype(np.int64)
        once = np.unique(who * each.size + code) % each.size
        number = np.bincount(once, minlength=each.size)[: each.size - each.column.missing]
        found += [(int(number[c]), (place, int(c))) for c in np.flatnonzero(number >= LEAST)]
    return [code for _, code in sorted(found, key=lambda each: (-each[0], each[1]))]


def _compared(
    real: Tokens,
    other: Tokens,
    codes: list[Code],
    events: Callable[[np.ndarray], np.ndarray],
    replicates: int,
    seed: int,
) -> Estimate:
    """Mean absolute difference of the shares of patients with each event."""
    if not codes or not len(other):
        why = "no patients" if codes else f"no code that at least {LEAST} real patients have"
        return not_assessable(why, len(other))
    rng, shares = np.random.default_rng(seed), []
    for each in (real, other):
        seen = events(_ever(each, codes))
        if not seen.shape[1]:
            return not_assessable("fewer than two frequent codes", len(other))
        shares.append(patient_weights(len(each), replicates, rng) @ seen / len(each))
    values = np.abs(shares[0] - shares[1]).mean(axis=1)
    return bootstrap_estimate(values, len(other), (0.0, 1.0))


def _ever(tokens: Tokens, codes: list[Code]) -> np.ndarray:
    """(patients, codes) float32: who has the code at any visit."""
    made = np.zeros((len(tokens), len(codes)), dtype=np.float32)
    for column, (place, code) in enumerate(codes):
        made[:, column] = (tokens.visits[..., place] == code).any(axis=1)
    return made


def _pairs(ever: np.ndarray) -> np.ndarray:
    """(patients, pairs): who has both codes."""
    first, second = np.triu_indices(ever.shape[1], k=1)
    return ever[:, first] * ever[:, second]
