"""Which numbers a code gets: chosen from the schema and from noisy histograms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dpsynth.data.codec import Codec
from dpsynth.data.field import Field
from dpsynth.privacy.scores import Scores
from dpsynth.schema import Kind

LEAST_SHARE = 0.01  # of patients or visits, for a category to have a score of its own, or for
# ranks or missingness to have one at all: a score of something rarer has huge values
MOST_SCORES = 12  # of one category column
LEAST_SD = 0.05  # of a score before it is standardised: a rarer one keeps small values


@dataclass(frozen=True, kw_only=True)
class Histograms:
    """Distributions that scores are standardised by: functions of the door's answers.

    Attributes:
        static: of each static field.
        length: (max_visits + 1,) of the number of visits, or none where it says nothing.
        visit: of each visit field, pooled over the visits.
    """

    static: Sequence[np.ndarray]
    length: np.ndarray | None
    visit: Sequence[np.ndarray]


def score_tables(codec: Codec, found: Histograms, label: int | None) -> tuple[Scores, np.ndarray]:
    """Look-up tables of mean 0 and variance 1 under the histograms.

    A number, count or boolean has one score, its rank on a line from -1 to 1, and one that
    says that it is missing; a category has one for each frequent code but the most frequent.
    What nearly always is the same has none: its few exceptions would outweigh all else.
    A static label has none: it is drawn last, from the whole record.

    Returns:
        The scores, and (scores of a visit,) True where a score is a rank.
    """
    static = [
        np.zeros((field.size, 0)) if place == label else standard(*raw(field, share))
        for place, (field, share) in enumerate(zip(codec.static, found.static, strict=True))
    ]
    if found.length is not None:
        steps = np.log1p(np.arange(codec.max_visits + 1.0))[:, None]
        static.append(standard(steps, found.length))
    visit = [raw(field, share) for field, share in zip(codec.visit, found.visit, strict=True)]
    ranks = [_is_rank(field, table) for field, (table, _) in zip(codec.visit, visit, strict=True)]
    turn = _turns(codec, found.length)
    facts = zip(codec.static, found.static, static[: len(codec.static)], strict=True)
    scale = [importance(field, share, len(table.T)) for field, share, table in facts]
    scale += [np.ones((found.length is not None) + turn.shape[2])]
    visits = zip(codec.visit, visit, strict=True)
    scale += [importance(field, share, len(table.T)) for field, (table, share) in visits]
    scores = Scores(
        static=tuple(static),
        turn=turn,
        visit=tuple(standard(*each) for each in visit),
        blank=blanks(codec),
        counted=found.length is not None,
        scale=np.concatenate(scale),
    )
    return scores, np.concatenate([*ranks, np.zeros(0, dtype=bool)])


def blanks(codec: Codec) -> tuple[int, ...]:
    """The code of a missing value in each visit field, or -1."""
    return tuple(field.size - 1 if field.column.missing else -1 for field in codec.visit)


def raw(field: Field, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(codes, scores) before they are standardised, and the histogram again."""
    missing = (np.arange(field.size) == field.size - 1) & field.column.missing
    if field.column.type is Kind.CATEGORY:
        return np.eye(field.size)[:, frequent(share)], share
    if 1 - share.max() < LEAST_SHARE:
        return np.zeros((field.size, 0)), share
    columns = [ranks(field)]
    if LEAST_SHARE <= share[missing].sum() <= 1 - LEAST_SHARE:
        columns.append(missing.astype(float))
    return np.column_stack(columns), share


def frequent(share: np.ndarray) -> np.ndarray:
    """Codes of a category that have scores: all that are not rare, but for the most frequent."""
    first = np.argsort(-share, kind="stable")[1 : MOST_SCORES + 1]
    return np.sort(first[share[first] >= LEAST_SHARE])


def importance(field: Field, share: np.ndarray, scores: int) -> np.ndarray:
    """(scores,) a category's together count for as much as one number, in parts by variance.

    Were each code of a category as loud as a number, a patient's vector would be long with
    codes that few patients have, and the bound on it would drown all the others in noise.
    """
    if field.column.type is not Kind.CATEGORY or not scores:
        return np.ones(scores)
    held = share[frequent(share)]
    variance = held * (1 - held)
    return np.sqrt(variance / variance.sum())


def ranks(field: Field) -> np.ndarray:
    """(codes,) from -1 to 1 in the order of the values, and 0 for missing."""
    known = field.size - field.column.missing
    places = np.zeros(field.size)
    places[:known] = 2 * order(field) / max(known - 1, 1) - 1
    return places


def order(field: Field) -> np.ndarray:
    """(known codes,) the place of each code's values among all."""
    middles = [*field.column.atoms]
    middles += [(low + high) / 2 for low, high in zip(field.edges, field.edges[1:], strict=False)]
    if not middles:
        return np.arange(field.size - field.column.missing)
    return np.argsort(np.argsort(middles, kind="stable"))


def standard(table: np.ndarray, share: np.ndarray) -> np.ndarray:
    """(codes, scores) with mean 0 and, but for what is rare, variance 1 under the histogram."""
    mean = share @ table
    sd = np.sqrt(share @ (table - mean) ** 2)
    return (table - mean) / np.maximum(sd, LEAST_SD)


def _is_rank(field: Field, table: np.ndarray) -> np.ndarray:
    ranked = field.column.type is not Kind.CATEGORY
    return (np.arange(table.shape[1]) == 0) & ranked


def _turns(codec: Codec, length: np.ndarray | None) -> np.ndarray:
    """(max_visits + 1, max_visits, scores): how many came before, and whether it is the last.

    What the tables hold already (first visits; on a grid, every turn) has no score: two noisy
    answers on one thing can't both be met.
    """
    most = codec.max_visits
    shape = (most + 1, most)
    if codec.regular or length is None or most < 2:
        return np.zeros((*shape, 0))
    visits, turn = np.indices(shape)
    raw = np.stack([turn, turn == visits - 1], axis=-1).astype(float)[..., most < 3 :]
    # Each patient has weight 1, spread over the visits.
    share = np.where(turn < visits, length[:, None] / np.maximum(visits, 1), 0.0)
    if not share.sum() > 0:
        return np.zeros((*shape, 0))
    flat = standard(raw.reshape(-1, raw.shape[-1]), (share / share.sum()).ravel())
    return flat.reshape(*shape, -1)
