"""When values are missing: from the first visit on, or more and more?"""

from __future__ import annotations

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.evaluation.estimate import (
    REPLICATES,
    Estimate,
    bootstrap_estimate,
    not_assessable,
    patient_weights,
)


def missing_over_time(
    real: Tokens, other: Tokens, codec: Codec, *, replicates: int = REPLICATES, seed: int = 0
) -> Estimate:
    """Mean absolute difference of the shares missing, by visit column and visit.

    Scenario:
        A test is ordered at the first visit and seldom again. Of the patients who have a t-th
        visit, which share lacks the value there? A share is of patients, once for each visit
        column that may be missing and each t; t weighs by how many real patients get there.

    Args:
        real: the real patients compared with, usually the holdout.
        other: synthetic patients, or real ones for the reference.
        codec: public code books: which columns may be missing.
        replicates: bootstrap replicates over patients of both sets.
        seed: of the bootstrap.

    Returns:
        0: as often missing at every visit; 1: missing where real values never are, and never
        where they always are. A visit that nobody in `other` has counts as 1.

    Errors:
        No visit column of real patients is ever missing: not assessable.
    """
    gone = [_missing(each, codec) for each in (real, other)]
    if not gone[0].any():
        return not_assessable("no real value of a visit is missing", len(other))
    rng = np.random.default_rng(seed)
    (p, here), (q, there) = (
        _shares(each, missing, patient_weights(len(each), replicates, rng))
        for each, missing in zip((real, other), gone, strict=True)
    )
    apart = np.where(there[:, None] > 0, np.abs(p - q), 1.0).mean(axis=1)
    values = (apart * here).sum(axis=1) / np.maximum(here.sum(axis=1), 1e-9)
    return bootstrap_estimate(values, len(other), (0.0, 1.0))


def _missing(tokens: Tokens, codec: Codec) -> np.ndarray:
    """(columns, patients, visits): what is missing, of visit columns that may be."""
    places = [place for place, each in enumerate(codec.visit) if each.column.missing]
    last = np.array([codec.visit[place].size - 1 for place in places], dtype=np.int16)
    return np.moveaxis(tokens.visits[..., places] == last, 2, 0)


def _shares(
    tokens: Tokens, missing: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Shares missing (replicates, columns, visits), and weight at each visit."""
    here = weights @ tokens.inside.astype(np.float32)
    gone = np.stack([weights @ each.astype(np.float32) for each in missing], axis=1)
    return gone / np.maximum(here, 1e-9)[:, None], here
