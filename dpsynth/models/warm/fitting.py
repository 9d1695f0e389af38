"""Fitting a chain to noisy tables and moments by simulation; costs no privacy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dpsynth.data.codec import Tokens
from dpsynth.models.base import Progress, quiet
from dpsynth.models.warm.chain import Chain
from dpsynth.privacy.clipped_tables import ClippedTables
from dpsynth.privacy.moments import LagMoments, clipped, visit_scores
from dpsynth.privacy.query import Query, Slot

PATIENTS = 4000  # at most simulated in each round: as many as there are real ones
FEWEST = 500
RATE = 0.5  # share of the gap that a round closes
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
        late: what the lag moments of the visit column drawn last were asked with, or none.
        lag: (scores of it, scores of a visit) those moments, or none.
        ridge: pull of the weights towards zero.
        least: chance below which a cell of a table is noise.
        total: noisy number of patients.
    """

    static: Sequence[np.ndarray]
    step: Sequence[np.ndarray]
    steps: ClippedTables | None
    turn: Sequence[np.ndarray]
    moments: np.ndarray
    clip: float
    late: LagMoments | None
    lag: np.ndarray | None
    ridge: float
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
        _move_tables(chain, targets, made, rate)
        _move_weights(chain, targets, made, rate)
        if turn >= rounds - last:
            for name, value in chain.arrays().items():
                kept[name] = kept.get(name, 0.0) + value / last
        progress("fitting tables and moments", turn + 1, rounds)
    if kept:
        chain.take_up(kept)


def _move_tables(chain: Chain, targets: Targets, made: Tokens, rate: float) -> None:
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
    if targets.steps is not None:
        pairs = targets.steps.split(targets.steps.answer(made, codec), codec)
        for j, simulated in enumerate(pairs):
            chain.step[j] = chain.step[j] + moved(targets.step[j], simulated)
    for j in range(len(codec.visit)):
        turns = Query((Slot("turn"), Slot("now", j))).answer(made, codec)
        for t, wanted in enumerate(targets.turn[j]):
            chain.turn[j][t] = chain.turn[j][t] + moved(wanted, turns[t]) / 2


def _move_weights(chain: Chain, targets: Targets, made: Tokens, rate: float) -> None:
    scores = chain.scores
    facts, turns, width = scores.widths
    rows, share = visit_scores(scores, made)
    rows = clipped(rows, targets.clip)
    everything = (rows * share[:, None]).T @ rows / len(made)
    wanted, ridge = targets.moments, targets.ridge
    start = 0
    for i, table in enumerate(scores.static):
        mine = slice(start, start + table.shape[1])
        if start and table.shape[1]:
            chain.static_weights[i] = _moved(
                chain.static_weights[i], np.arange(start), mine, wanted, everything, ridge, rate
            )
        start += table.shape[1]
    if not width:
        return
    gap, simulated = wanted, everything
    if targets.late is not None and targets.lag is not None:
        gap, simulated = _with_lag(chain, targets, made, rows, share)
    known = list(range(facts + turns))
    for j in chain.order:
        first = facts + turns + chain.starts[j]
        mine = slice(first, first + scores.visit[j].shape[1])
        before = []
        if targets.late is not None and j == targets.late.field:
            # But its own: what it does to itself is in its transitions.
            before = [k + width for k in range(facts + turns, len(gap) - width)]
            before = [k for k in before if not mine.start <= k - width < mine.stop]
        chain.weights[j] = _moved(
            chain.weights[j], np.array(known + before), mine, gap, simulated, ridge, rate
        )
        known += range(mine.start, mine.stop)


def _with_lag(
    chain: Chain, targets: Targets, made: Tokens, rows: np.ndarray, share: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Wanted and simulated moments with the last known codes before each visit beside them."""
    scores, late = chain.scores, targets.late
    assert late is not None and targets.lag is not None
    inside = np.arange(chain.codec.max_visits)[None, :] < made.length[:, None]
    before = clipped(scores.now(scores.carried(made)[:, :-1][inside]), late.clip[1])
    before = np.concatenate([before, np.zeros((len(rows) - len(before), before.shape[1]))])
    both = np.concatenate([rows, before], axis=1)
    simulated = (both * share[:, None]).T @ both / len(made)
    size, first = rows.shape[1], sum(scores.widths[:2]) + chain.starts[late.field]
    mine = slice(first, first + scores.visit[late.field].shape[1])
    simulated[mine, size:] = late.answer(made, chain.codec) / len(made)
    simulated[size:, mine] = simulated[mine, size:].T
    wanted = simulated.copy()
    wanted[:size, :size] = targets.moments
    wanted[mine, size:] = targets.lag
    wanted[size:, mine] = targets.lag.T
    return wanted, simulated


def _moved(
    weights: np.ndarray,
    known: np.ndarray,
    mine: slice,
    wanted: np.ndarray,
    simulated: np.ndarray,
    ridge: float,
    rate: float,
) -> np.ndarray:
    """One damped Newton step of a column's weights on what is known before it.

    The pull towards zero is taken implicitly: however large the ridge, no step overshoots.
    """
    if not len(known) or mine.start == mine.stop:
        return weights
    curve = simulated[np.ix_(known, known)] + ridge * np.eye(len(known))
    gap = (wanted - simulated)[known, mine]
    moved = weights.copy()
    moved[:, known] += rate * np.linalg.solve(curve, gap).T
    moved[:, known] /= 1 + rate * ridge
    return moved


def _shares(table: np.ndarray) -> np.ndarray:
    return table / max(table.sum(), 1e-12)
