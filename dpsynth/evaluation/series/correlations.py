"""Rank correlations of columns within visits, of real patients and of the copy."""

from __future__ import annotations

import numpy as np

from dpsynth.data.codec import GAP, Codec, Tokens
from dpsynth.data.field import Field
from dpsynth.evaluation.charts import CLOCK
from dpsynth.evaluation.fidelity.lagged import CONSTANT, mid_ranks
from dpsynth.evaluation.figures import Correlations
from dpsynth.schema import Kind

MOST = 14  # columns drawn


def correlations(real: Tokens | None, synthetic: Tokens, codec: Codec) -> Correlations | None:
    """Of all columns that have an order: numbers, counts, and what has two categories.

    A patient's column meets a visit's at every visit, and all visits of a patient weigh 1
    together. Ranks are those among real patients, for both.

    Args:
        real: real holdout patients; none for the copy alone, with ranks of its own.
        synthetic: the copy.
        codec: public code books.

    Returns:
        None if fewer than two columns have an order. At most MOST columns: those with the
        largest difference, or the first ones of the copy alone.
    """
    fields = (*codec.static, *codec.visit)
    places = [place for place, field in enumerate(fields) if _ordered(field)]
    if len(places) < 2:
        return None
    entries = [None if side is None else _entries(side, codec) for side in (real, synthetic)]
    judge = entries[1] if entries[0] is None else entries[0]
    assert judge is not None and entries[1] is not None
    ranks = {place: _ranks(judge, place, fields[place]) for place in places}
    q = _table(entries[1], ranks)
    p = np.full_like(q, np.nan) if entries[0] is None else _table(entries[0], ranks)
    worst = np.nan_to_num(np.abs(p - q)).sum(axis=1)
    kept = np.sort(np.argsort(-worst, kind="stable")[:MOST])
    names = [CLOCK.get(fields[places[at]].name, fields[places[at]].name) for at in kept]
    return Correlations(
        labels=tuple(names),
        real=() if real is None else _plain(p, kept),
        synthetic=_plain(q, kept),
        left_out=len(places) - len(kept),
    )


def _ordered(field: Field) -> bool:
    return field.column.type is not Kind.CATEGORY or len(field.categories) == 2


def _entries(tokens: Tokens, codec: Codec) -> tuple[np.ndarray, np.ndarray]:
    """(entries, columns) codes, -1 where there is no visit, and each entry's weight.

    An entry is a visit; a patient without one has an entry too.
    """
    who, turn = np.nonzero(tokens.inside)
    nobody = np.flatnonzero(tokens.length == 0)
    who, turn = np.concatenate([who, nobody]), np.concatenate([turn, np.zeros_like(nobody)])
    codes = tokens.static[who].astype(np.int64)
    if codec.visit:
        visit = tokens.visits[who, turn].astype(np.int64)
        visit[turn == 0] = np.where([f.name == GAP for f in codec.visit], -1, visit[turn == 0])
        codes = np.concatenate([codes, visit], axis=1)
    return codes, 1.0 / np.maximum(tokens.length, 1)[who]


def _ranks(entries: tuple[np.ndarray, np.ndarray], place: int, field: Field) -> np.ndarray:
    """Of each code, and NaN last for no visit, where -1 points."""
    codes, weight = entries
    known = codes[:, place] >= 0
    mass = np.bincount(codes[known, place], weight[known], minlength=field.size)
    return np.append(mid_ranks(field, mass), np.float32(np.nan))


def _table(entries: tuple[np.ndarray, np.ndarray], ranks: dict[int, np.ndarray]) -> np.ndarray:
    """(columns, columns) correlations over entries where both are known."""
    codes, weight = entries
    x = np.stack([ranks[place][codes[:, place]] for place in ranks], axis=1).astype(np.float64)
    known = np.isfinite(x).astype(np.float64)
    x = np.nan_to_num(x)
    heavy, masked = x * weight[:, None], known * weight[:, None]
    total = masked.T @ known
    total[total <= 0] = np.nan
    mean, square = heavy.T @ known / total, (heavy * x).T @ known / total
    varied = square - mean**2
    varied[varied < CONSTANT] = np.nan
    with np.errstate(invalid="ignore"):
        found = (heavy.T @ x / total - mean * mean.T) / np.sqrt(varied * varied.T)
    return np.clip(found, -1, 1)


def _plain(table: np.ndarray, kept: np.ndarray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(each) for each in line) for line in table[np.ix_(kept, kept)])
