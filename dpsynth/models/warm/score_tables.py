"""Which numbers a code gets: chosen from the schema and from noisy histograms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dpsynth.data.codec import Codec
from dpsynth.data.field import Field
from dpsynth.privacy.scores import Scores
from dpsynth.schema import Kind

LEAST_SHARE = 0.01  # of patients or visits, for a category to have a score of its own
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
    # What the tables hold already (first visits; on a grid, every turn) must have no score: two
    # noisy answers on one thing can't both be met.
    turn = np.arange(codec.max_visits, dtype=float)[:, None]
    if codec.regular or codec.max_visits < 3:
        turn = turn[:, :0]
    scores = Scores(
        static=tuple(static),
        turn=standard(turn, _turns(codec, found.length)) if turn.size else turn,
        visit=tuple(standard(*each) for each in visit),
        blank=blanks(codec),
        counted=found.length is not None,
    )
    return scores, np.concatenate([*ranks, np.zeros(0, dtype=bool)])


def blanks(codec: Codec) -> tuple[int, ...]:
    """The code of a missing value in each visit field, or -1."""
    return tuple(field.size - 1 if field.column.missing else -1 for field in codec.visit)


def raw(field: Field, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(codes, scores) before they are standardised, and the histogram again."""
    missing = (np.arange(field.size) == field.size - 1) & field.column.missing
    if field.column.type is Kind.CATEGORY:
        frequent = np.argsort(-share, kind="stable")[1 : MOST_SCORES + 1]
        frequent = np.sort(frequent[share[frequent] >= LEAST_SHARE])
        return np.eye(field.size)[:, frequent], share
    places = ranks(field)
    columns = [places[:, None]]
    if field.column.missing:
        columns.append(missing[:, None].astype(float))
    return np.concatenate(columns, axis=1), share


def ranks(field: Field) -> np.ndarray:
    """(codes,) from -1 to 1 in the order of the values, and 0 for missing."""
    known = field.size - field.column.missing
    middles = [*field.column.atoms]
    middles += [(low + high) / 2 for low, high in zip(field.edges, field.edges[1:], strict=False)]
    order = np.argsort(np.argsort(middles, kind="stable")) if middles else np.arange(known)
    places = np.zeros(field.size)
    places[:known] = 2 * order / max(known - 1, 1) - 1
    return places


def standard(table: np.ndarray, share: np.ndarray) -> np.ndarray:
    """(codes, scores) with mean 0 and, but for what is rare, variance 1 under the histogram."""
    mean = share @ table
    sd = np.sqrt(share @ (table - mean) ** 2)
    return (table - mean) / np.maximum(sd, LEAST_SD)


def _is_rank(field: Field, table: np.ndarray) -> np.ndarray:
    ranked = field.column.type is not Kind.CATEGORY
    return (np.arange(table.shape[1]) == 0) & ranked


def _turns(codec: Codec, length: np.ndarray | None) -> np.ndarray:
    """(max_visits,) how visits spread over turns, each patient with weight 1."""
    if length is None:
        return np.full(codec.max_visits, 1 / codec.max_visits)
    share = np.zeros(codec.max_visits)
    for visits in range(1, codec.max_visits + 1):
        share[:visits] += length[visits] / visits
    return share / share.sum() if share.sum() > 0 else np.full(codec.max_visits, 1 / len(share))
