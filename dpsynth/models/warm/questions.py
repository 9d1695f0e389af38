"""Which tables a warm start asks for, and what is read from their noisy answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dpsynth.data.codec import Codec
from dpsynth.models.tables import cleaned
from dpsynth.models.warm.score_tables import Histograms
from dpsynth.models.warm.smoothing import distances, pooled, smoothed_steps
from dpsynth.privacy.clipped_tables import ClippedTables
from dpsynth.privacy.query import Query, Question, Slot

FACT_WEIGHT = 0.5  # a fact has few codes, counted over all patients: half the precision will do
TURN_WEIGHT = 0.5  # of all turns' histograms together, against transitions
STEP_CLIP = 0.65  # of the worst case; half of ICU stays reach 0.58 of it, one in ten 0.67


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Cleaned distributions.

    Attributes:
        static: of each fact; the number of visits last, where it varies.
        step: (codes, codes) now and next of each visit column; empty if none has two visits.
        turn: (turns, codes) of each visit column: of every turn on a regular grid, else of
            the first visit alone.
        total: noisy number of patients.
        noise: stddev of a transition's cell as a share of all patients.
    """

    static: list[np.ndarray]
    step: list[np.ndarray]
    turn: list[np.ndarray]
    total: float
    noise: float

    def histograms(self, codec: Codec) -> Histograms:
        """What scores are standardised by."""
        facts = len(codec.static)
        length = self.static[facts] if len(self.static) > facts else None
        alone = 0.0
        if length is not None:
            come = length[1:].sum()
            alone = float(length[1] / come) if come > 0 else 1.0
        visit = []
        for j, turns in enumerate(self.turn):
            share = turns.mean(axis=0)
            if self.step and not codec.regular:
                # Exact where nobody has more than two visits: half of a second visit for half
                # of a first one.
                later = self.step[j].sum(axis=0) - self.step[j].sum(axis=1)
                share = np.maximum(share + (1 - alone) * later / 2, 0.0)
                share = share / share.sum()
            visit.append(share)
        return Histograms(static=self.static[:facts], length=length, visit=visit)


def questions(codec: Codec) -> list[Question]:
    """Facts, the number of visits, first or all turns' values, and transitions.

    What every patient has is asked as plain tables; transitions are pooled over time, each
    patient with weight 1, with one bound for all columns.
    """
    asked: list[Question] = [
        Query((Slot("static", i),), FACT_WEIGHT) for i in range(len(codec.static))
    ]
    if codec.max_visits and not codec.regular:
        asked.append(Query((Slot("length"),), FACT_WEIGHT))
    columns = range(len(codec.visit))
    if codec.regular and columns:
        tables = tuple(Query((Slot("turn"), Slot("now", j))) for j in columns)
        bound = (len(tables) / codec.max_visits) ** 0.5  # of every patient, by construction
        weight = TURN_WEIGHT * codec.max_visits**0.5
        asked.append(ClippedTables(tables=tables, bound=bound, weight=weight))
    else:
        asked += [Query((Slot("first", j),), FACT_WEIGHT) for j in columns]
    pairs = transitions(codec)
    return asked if pairs is None else [*asked, pairs]


def transitions(codec: Codec) -> ClippedTables | None:
    """Now and next of each visit column, or none where no patient has two visits."""
    if codec.max_visits < 2 or not codec.visit:
        return None
    tables = tuple(Query((Slot("now", j), Slot("next", j))) for j in range(len(codec.visit)))
    return ClippedTables(tables=tables, bound=STEP_CLIP * len(tables) ** 0.5)


def read(codec: Codec, answers: list[np.ndarray], noise_sd: float) -> Tables:
    """Cleaned distributions of the noisy answers, which come in the order of `questions`.

    Args:
        codec: the code book.
        answers: of the door.
        noise_sd: stddev of the noise in a cell of weight 1, in patients.
    """
    asked, left = questions(codec), list(answers)
    facts = len(codec.static) + (codec.max_visits > 0 and not codec.regular)
    static = [cleaned(left.pop(0), noise_sd / FACT_WEIGHT) for _ in range(facts)]
    totals = [float(answer.sum()) for answer in answers[:facts]]
    pairs = transitions(codec)
    steps = [] if pairs is None else pairs.split(left.pop(), codec)
    if codec.regular and codec.visit:
        tables = asked[facts]
        assert isinstance(tables, ClippedTables)
        cell_sd = noise_sd / tables.weight
        turns = tables.split(left.pop(), codec)
        totals += [float(each.sum()) for each in turns if not facts]  # no patient is clipped
        turn = [smoothed(each, cell_sd) for each in turns]
        alike = [(each.sum(axis=0), cell_sd * codec.max_visits**0.5) for each in turns]
    else:
        alike = [(each, noise_sd / FACT_WEIGHT) for each in left]
        turn = [cleaned(*each)[None] for each in alike]
    step = []
    for j, (noisy, field) in enumerate(zip(steps, codec.visit, strict=False)):
        sides = [noisy.sum(axis=1), noisy.sum(axis=0), alike[j][0]]
        sds = [noise_sd * field.size**0.5] * 2 + [alike[j][1]]
        rows, columns, near = pooled(sides, sds)
        step.append(smoothed_steps(noisy, noise_sd, distances(field), rows, columns))
        if not codec.regular:
            turn[j] = near[None]
    total = max(float(np.median(totals)), 1.0) if totals else 1.0
    return Tables(static=static, step=step, turn=turn, total=total, noise=noise_sd / total)


def smoothed(noisy: np.ndarray, cell_sd: float) -> np.ndarray:
    """(turns, codes) distributions: each code's departure from its mean over the turns, shrunk.

    The part of a code's variance over turns that noise explains is taken out (empirical
    Bayes), which keeps a column that does not change over time from flickering.
    """
    mean = noisy.mean(axis=0)
    apart = noisy - mean
    seen = (apart**2).sum(axis=0) / max(len(noisy) - 1, 1)
    shrink = np.maximum(1 - cell_sd**2 / np.maximum(seen, 1e-12), 0.0)
    return np.stack([cleaned(row, cell_sd) for row in mean + shrink * apart])
