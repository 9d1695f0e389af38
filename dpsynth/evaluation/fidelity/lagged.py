"""Rank correlations between a visit and the next, for all bootstrap replicates at once.

Codes become ranks of the real data's average patient, the same ranks for every data set, so that
a replicate only changes weights. Each patient's pairs of visits weigh 1 together. Where visits
are irregular, pairs are held apart by the time between them: the public bins of the gap are put
together into GROUPS groups, short to long, with about as many real gaps in each.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix

from dpsynth.data.codec import GAP, Codec, Tokens
from dpsynth.data.field import Field
from dpsynth.evaluation.estimate import (
    Estimate,
    bootstrap_estimate,
    not_assessable,
    patient_weights,
)
from dpsynth.evaluation.fidelity.tables import later_visits
from dpsynth.schema import Kind

GROUPS = 3  # of gaps, short to long
LEAST = 20  # real patients with a pair of values, for a correlation to be compared
ENTRIES = 4_000_000  # products in memory at a time
CONSTANT = 1e-6  # variance of ranks (at most 1/12) below which a column is constant

Pair = tuple[int, int]  # visit column now, visit column at the next visit


def ordered(codec: Codec) -> list[int]:
    """Visit columns whose values are smaller or larger: numbers, counts, booleans, the gap."""
    return [place for place, each in enumerate(codec.visit) if each.column.type != Kind.CATEGORY]


def mean_difference(
    real: Tokens,
    other: Tokens,
    codec: Codec,
    pairs: Sequence[Pair],
    *,
    replicates: int,
    seed: int,
    note: str = "",
) -> Estimate:
    """Mean absolute difference of two data sets' lag-1 correlations of those pairs of columns.

    A correlation that real patients have and that does not exist in `other`, because a column is
    constant there or nobody has two visits, is taken as 0.

    Errors:
        No pair of columns that vary in real patients, LEAST of whom have a pair of values: not
        assessable.
    """
    ranks = {place: ranks_of(real, codec, place) for place in {p for pair in pairs for p in pair}}
    near = groups_of_gaps(real, codec)
    rng, found = np.random.default_rng(seed), []
    for each in (real, other):
        weights = patient_weights(len(each), replicates, rng)
        found.append(correlations(each, codec, pairs, ranks, near, weights))
    (a, patients), (b, _) = found
    apart = np.abs(a - np.nan_to_num(b))[:, patients >= LEAST]
    apart = apart[:, np.isfinite(apart[0])]
    if not apart.shape[1]:
        return not_assessable("no column that varies from visit to visit", len(other))
    counts = np.isfinite(apart).sum(axis=1)
    values = np.where(counts > 0, np.nansum(apart, axis=1) / np.maximum(counts, 1), np.nan)
    return bootstrap_estimate(values, len(other), (0.0, 2.0), note)


def ranks_of(real: Tokens, codec: Codec, place: int) -> np.ndarray:
    """(size,) float32: each code's mean rank in real visits, -1/2 to 1/2; NaN if missing."""
    field = codec.visit[place]
    who, turn = np.nonzero(real.inside)
    if field.name == GAP:
        who, turn = who[turn > 0], turn[turn > 0]
    share = 1.0 / np.bincount(who, minlength=len(real))[who]
    return mid_ranks(field, np.bincount(real.visits[who, turn, place], share, minlength=field.size))


def mid_ranks(field: Field, mass: np.ndarray) -> np.ndarray:
    """(size,) float32: each code's mean rank, -1/2 to 1/2, by the codes' masses; NaN if missing."""
    order = np.argsort(_values(field), kind="stable")
    below = np.cumsum(mass[order]) - mass[order] / 2
    ranks = np.full(field.size, np.nan, dtype=np.float32)
    ranks[order] = below / max(mass[order].sum(), 1e-9) - 0.5
    return ranks


def _values(field: Field) -> np.ndarray:
    """A value of each code but missing, to order codes by: atoms come first among codes."""
    if field.categories:
        return np.arange(len(field.categories), dtype=float)
    edges = np.array(field.edges)
    return np.concatenate([np.array(field.column.atoms), (edges[:-1] + edges[1:]) / 2])


def groups_of_gaps(real: Tokens, codec: Codec) -> np.ndarray | None:
    """(size,) group of each code of the gap, or none where there are no gaps."""
    place = next((p for p, each in enumerate(codec.visit) if each.name == GAP), None)
    if place is None:
        return None
    ranks = np.nan_to_num(ranks_of(real, codec, place)) + 0.5
    return np.minimum((ranks * GROUPS).astype(np.int64), GROUPS - 1)


def correlations(
    tokens: Tokens,
    codec: Codec,
    pairs: Sequence[Pair],
    ranks: dict[int, np.ndarray],
    near: np.ndarray | None,
    weights: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Correlations, and how many patients each rests on: all pairs, for each group of gaps.

    Shape:
        weights: (replicates, patients)
        correlations: (replicates, groups * pairs), NaN where a column is constant or nobody
            has a pair of values
        patients: (groups * pairs,)
    """
    who, turn = later_visits(tokens, 1)
    group = np.zeros(len(who), dtype=np.int64)
    if near is not None:
        names = [each.name for each in codec.visit]
        group = near[tokens.visits[who, turn + 1, names.index(GAP)]]
    found, patients = [np.empty((len(weights), 0))], [np.empty(0)]
    for g in range(1 if near is None else GROUPS):
        here, at = who[group == g], turn[group == g]
        step = max(ENTRIES // max(len(here), 1), 1)
        for start in range(0, len(pairs), step):
            some = pairs[start : start + step]
            x = np.stack([_ranked(tokens, codec, here, at, a, ranks) for a, _ in some], axis=1)
            y = np.stack([_ranked(tokens, codec, here, at + 1, b, ranks) for _, b in some], axis=1)
            made, number = _correlations(here, x, y, weights)
            found.append(made)
            patients.append(number)
    return np.concatenate(found, axis=1), np.concatenate(patients)


def _ranked(
    tokens: Tokens,
    codec: Codec,
    who: np.ndarray,
    turn: np.ndarray,
    place: int,
    ranks: dict[int, np.ndarray],
) -> np.ndarray:
    """Ranks at those visits; the gap before a first visit does not exist."""
    found = ranks[place][tokens.visits[who, turn, place]]
    return np.where(turn > 0, found, np.nan) if codec.visit[place].name == GAP else found


def _correlations(
    who: np.ndarray, x: np.ndarray, y: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Correlations of columns of x and y (entries, pairs), each patient's entries together 1."""
    known = np.isfinite(x) & np.isfinite(y)
    x, y = np.where(known, x, np.float32(0)), np.where(known, y, np.float32(0))
    shape = (weights.shape[1], len(who))
    ones = np.ones(len(who), dtype=np.float32)
    per_patient = csr_matrix((ones, (who, np.arange(len(who)))), shape=shape)
    number = per_patient @ known.astype(np.float32)
    has = number > 0
    total = (weights @ has.astype(np.float32)).astype(np.float64)
    total[total == 0] = np.nan

    def mean(values: np.ndarray) -> np.ndarray:
        return (weights @ (per_patient @ values / np.maximum(number, 1))) / total

    mx, my = mean(x), mean(y)
    vx, vy = mean(x * x) - mx**2, mean(y * y) - my**2
    varied = (vx > CONSTANT) & (vy > CONSTANT)
    with np.errstate(invalid="ignore", divide="ignore"):
        made = np.where(varied, (mean(x * y) - mx * my) / np.sqrt(vx * vy), np.nan)
    return np.clip(made, -1, 1), has.sum(axis=0)
