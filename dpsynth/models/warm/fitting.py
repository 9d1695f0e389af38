"""Fitting a chain to noisy tables and moments by simulation; costs no privacy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from dpsynth.data.codec import Codec, Tokens
from dpsynth.models.base import Progress, quiet
from dpsynth.models.warm.chain import Chain
from dpsynth.privacy.clipped_tables import ClippedTables
from dpsynth.privacy.moments import clipped, visit_scores
from dpsynth.privacy.query import Query, Slot

PATIENTS = 4000  # at most simulated in each round: as many as there are real ones
FEWEST = 500
RATE = 0.5  # share of the gap that a round closes
LEAST_RIDGE = 0.02
FEW = 5.0  # patients, see `_mean_scale`
LEAST_OPEN = 0.1  # of a code's variance, with which its step is found
MOST_STEP = 2.0  # in nats, of a table's logit in one round
LEAST_SPREAD = 0.05  # of what is left open of a score, with which the pull is found
LAST = 0.4  # share of the rounds over which the chain is averaged


@dataclass(frozen=True, kw_only=True)
class Targets:
    """What the chain is fitted to: cleaned answers, per patient.

    Attributes:
        static: (codes,) for each fact, the number of visits last where it varies.
        step: (codes, codes) now and next, for each visit column.
        steps: what those were asked with, or none; simulated patients are weighed by it as
            real ones were.
        turn: (turns, codes) for each visit column: of every turn, or of the first alone.
        moments: (scores, scores) mean second moments of (facts, turn, now).
        clip: bound on the length of (facts, turn, now) that those were measured with; the
            simulated ones are clipped alike, or else clipping would pass for independence.
        doubt: (scores, scores) variance of the noise in those over the likely variance of a
            weight.
        least: chance below which a cell of a table is noise.
        total: noisy number of patients.
    """

    static: Sequence[np.ndarray]
    step: Sequence[np.ndarray]
    steps: ClippedTables | None
    turn: Sequence[np.ndarray]
    moments: np.ndarray
    clip: float
    doubt: np.ndarray
    least: float
    total: int


def fit(
    chain: Chain,
    targets: Targets,
    rng: np.random.Generator,
    rounds: int,
    progress: Progress = quiet,
) -> None:
    """Simulate, compare, correct; the result is the average of the last rounds.

    Tables move by the log-ratio of wanted and simulated (iterative proportional fitting),
    weights by a Newton step on the difference of moments, with the simulated moments of the
    predictors as curvature (maximum entropy with a Gaussian prior).
    """
    kept: dict[str, np.ndarray] = {}
    last = max(round(rounds * LAST), 1)
    for turn in range(rounds):
        made = chain.sample(min(max(targets.total, FEWEST), PATIENTS), rng)
        rate = RATE if turn < rounds - last else RATE / 2
        chances = chain.chances(made)
        _move_tables(chain, targets, made, chances, rate)
        _move_weights(chain, targets, made, chances, rate)
        if turn >= rounds - last:
            for name, value in chain.arrays().items():
                kept[name] = kept.get(name, 0.0) + value / last
        progress("fitting tables and moments", turn + 1, rounds)
    if kept:
        chain.take_up(kept)


def _move_tables(
    chain: Chain, targets: Targets, made: Tokens, chances: list[np.ndarray], rate: float
) -> None:
    codec, least = chain.codec, targets.least

    def moved(wanted: np.ndarray, table: np.ndarray) -> np.ndarray:
        return rate * (np.log(wanted + least) - np.log(_shares(table) + least))

    for i in range(len(codec.static)):
        chain.static[i] = chain.static[i] + moved(
            targets.static[i], Query((Slot("static", i),)).answer(made, codec)
        )
    if chain.scores.counted:
        simulated = Query((Slot("length"),)).answer(made, codec)
        chain.static[-1] = chain.static[-1] + moved(targets.static[-1], simulated)
    if not codec.visit:
        return
    pairs, turns = expected(codec, targets.steps, made, chances)
    squares = expected(codec, targets.steps, made, [each**2 for each in chances])
    for j, (simulated, square) in enumerate(zip(pairs, squares[0], strict=True)):
        opened = moved(targets.step[j], simulated) / still_open(simulated, square)
        chain.step[j] = chain.step[j] + np.clip(opened, -MOST_STEP, MOST_STEP)
    for j, (simulated, square) in enumerate(zip(turns, squares[1], strict=True)):
        left = still_open(simulated, square)
        for t, wanted in enumerate(targets.turn[j]):
            opened = moved(wanted, simulated[t]) / 2 / left[t]
            chain.turn[j][t] = chain.turn[j][t] + np.clip(opened, -MOST_STEP, MOST_STEP)


def expected(
    codec: Codec, steps: ClippedTables | None, made: Tokens, chances: list[np.ndarray]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Transitions and turns' values of each column, counted as chances and not as draws.

    The same in the mean, with far less noise, above all in rare cells.

    Args:
        codec: the code book.
        steps: how the transitions were asked for, or none.
        made: generated patients.
        chances: of each column's codes where one was drawn, `Chain.chances`.

    Returns:
        (codes, codes) of each column, weighed as `steps` weighs patients, none without; and
        (turns, codes) of each column, each patient there with weight 1.
    """
    patient, turn = np.nonzero(made.inside)
    visits = np.arange(len(turn))
    at = csr_array((np.ones(len(turn)), (turn, visits)), shape=(codec.max_visits, len(turn)))
    turns = [at @ chance for chance in chances]
    if steps is None:
        return [], turns
    later = np.flatnonzero(turn > 0)
    codes = made.visits[patient, turn].astype(np.int64)[later]
    before = made.visits[patient, turn - 1].astype(np.int64)[later]
    share = (1.0 / np.maximum(made.length - 1.0, 1.0))[patient[later]]
    scale = steps.scale(made, codec)[patient[later]]
    pairs = []
    for j, chance in enumerate(chances):
        shape = (chance.shape[1], len(turn))
        weighed = csr_array((share, (before[:, j], later)), shape=shape)
        kept = _mean_scale(before[:, j], codes[:, j], share, scale, shape[0])
        pairs.append((weighed @ chance) * kept)
    return pairs, turns


def _mean_scale(
    before: np.ndarray, after: np.ndarray, share: np.ndarray, scale: np.ndarray, codes: int
) -> np.ndarray:
    """(codes, codes) by what patients with each change are scaled, in the mean.

    Who stays the same is clipped more. Rare changes count as others of their kind, to stay or
    to change, by `FEW` patients.
    """

    def per_cell(weights: np.ndarray) -> np.ndarray:
        flat = before * codes + after
        return np.bincount(flat, weights, minlength=codes**2).reshape(codes, codes)

    held, whole = per_cell(share * scale), per_cell(share)
    stays = np.eye(codes, dtype=bool)
    usual = np.ones((codes, codes))
    for kind in (stays, ~stays):
        if whole[kind].sum() > 0:
            usual[kind] = held[kind].sum() / whole[kind].sum()
    return (held + FEW * usual) / (whole + FEW)


def still_open(chance: np.ndarray, square: np.ndarray) -> np.ndarray:
    """(rows, codes) by how much a code's share moves with its logit, against a free code's.

    A code that follows from others moves little: its table needs the larger a step.

    Args:
        chance, square: (rows, codes) sums of each code's chances and of their squares.
    """
    rows = np.maximum(chance.sum(axis=1, keepdims=True), 1e-12)
    mean, second = chance / rows, square / rows
    return np.clip((mean - second) / np.maximum(mean * (1 - mean), 1e-12), LEAST_OPEN, 1.0)


def _move_weights(
    chain: Chain, targets: Targets, made: Tokens, chances: list[np.ndarray], rate: float
) -> None:
    scores = chain.scores
    rows, share = visit_scores(scores, made)
    rows = clipped(rows * scores.scale, targets.clip) / scores.scale
    rows = rows * np.sqrt(share / len(made))[:, None]
    simulated = rows.T @ rows
    gap, start = targets.moments - simulated, 0
    for i, table in enumerate(scores.static):
        known, mine = slice(start), slice(start, start + table.shape[1])
        curves = np.repeat(simulated[None, known, known], table.shape[1], axis=0)
        chain.static_weights[i] = _moved(
            chain.static_weights[i],
            known,
            curves,
            gap[known, mine],
            targets.doubt[known, mine],
            rate,
        )
        start += table.shape[1]
    _move_visit_weights(chain, targets, rows, gap, chances, rate)


def _move_visit_weights(
    chain: Chain,
    targets: Targets,
    rows: np.ndarray,
    gap: np.ndarray,
    chances: list[np.ndarray],
    rate: float,
) -> None:
    """Of each column on facts, turn and the columns before it in its visit."""
    facts, turns, _ = chain.scores.widths
    known = list(range(facts + turns))
    for j in chain.order:
        table = chain.scores.visit[j]
        first = facts + turns + chain.starts[j]
        mine = slice(first, first + table.shape[1])
        spread = chances[j] @ table**2 - (chances[j] @ table) ** 2
        seen = rows[: len(spread)][:, known]
        curves = np.array([(seen * each[:, None]).T @ seen for each in spread.T])
        chain.weights[j] = _moved(
            chain.weights[j], known, curves, gap[known, mine], targets.doubt[known, mine], rate
        )
        known = [*known, *range(mine.start, mine.stop)]


def _moved(
    weights: np.ndarray,
    known: slice | list[int],
    curves: np.ndarray,
    gap: np.ndarray,
    doubt: np.ndarray,
    rate: float,
) -> np.ndarray:
    """One damped Newton step of a column's weights on what is known before it.

    The pull towards zero is taken implicitly: however strong, no step overshoots.

    Args:
        weights: (scores, all that can be known).
        known: places of what is known.
        curves: (scores, known, known) by how much moments move with weights.
        gap: (known, scores) of moments.
        doubt: (known, scores) see `Targets`.
        rate: share of the gap that is closed.
    """
    if not gap.size:
        return weights
    left = np.trace(curves, axis1=1, axis2=2) / len(gap)
    ridge = pull(doubt.T, np.clip(left, LEAST_SPREAD, 1.0)[:, None])
    step = np.linalg.solve(curves + ridge[:, :, None] * np.eye(len(gap)), gap.T[:, :, None])
    moved = weights.copy()
    moved[:, known] = (moved[:, known] + rate * step[:, :, 0]) / (1 + rate * ridge)
    return moved


def pull(doubt: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """The ridge that weighs noise in a moment against what weights are likely to be.

    With noise of variance s^2 in a moment that moves by `spread` with a weight of prior
    variance t, the most probable weights are where gap = weight s^2 / (t spread); steps of
    curvature `spread` and ridge r rest where gap = weight r (spread + r).
    """
    return np.maximum((np.sqrt(spread**2 + 4 * doubt / spread) - spread) / 2, LEAST_RIDGE)


def _shares(table: np.ndarray) -> np.ndarray:
    return table / max(table.sum(), 1e-12)
