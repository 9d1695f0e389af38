"""A log-linear chain over a patient's visits: tables for each column, scores between columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import log_softmax, softmax

from dpsynth.data.codec import PAD, Codec, Tokens
from dpsynth.models.warm.visit_label import VisitLabel
from dpsynth.privacy.scores import Scores
from dpsynth.privacy.weights import GroupWeights

POOL = 4  # candidates per patient whose facts are partly fixed


@dataclass(kw_only=True)
class Chain:
    """Draws facts in order, then visit after visit, column after column.

    A code's log-probability is a sum of
    - the column's own table: first values, or transitions from the visit before, and an
      effect of the turn;
    - its scores times a linear function of what is known: the patient's facts, the turn, and
      the visit's earlier columns.
    A label among the visit columns is drawn last in its visit; once `label` is there, by that.

    Attributes:
        codec, scores: see there; a static label without scores is drawn by whoever holds it.
        order: visit columns in the order in which they are drawn.
        static, static_weights: for each fact (the number of visits last, where it varies)
            (codes,) logs and (scores of it, scores of all facts).
        first, step, turn: for each visit column (codes,), (codes, codes) and (max_visits,
            codes) logs.
        weights: for each visit column (scores of it, facts + turn + visit).
        label: of the visit column that is drawn last, or none.
        groups: what the patients were weighed by that the chain was fitted to, once it is;
            facts are then drawn as if they had not been.
    """

    codec: Codec
    scores: Scores
    order: list[int]
    static: list[np.ndarray]
    static_weights: list[np.ndarray]
    first: list[np.ndarray]
    step: list[np.ndarray]
    turn: list[np.ndarray]
    weights: list[np.ndarray]
    label: VisitLabel | None = None
    groups: GroupWeights | None = None

    @classmethod
    def blank(cls, codec: Codec, scores: Scores, late: int | None) -> Chain:
        """All codes alike; `late` is the visit column that is drawn last, if any."""
        facts, turns, width = scores.widths
        known = facts + turns + width
        sizes = [field.size for field in codec.visit]
        return cls(
            codec=codec,
            scores=scores,
            order=sorted(range(len(sizes)), key=lambda j: j == late),
            static=[np.zeros(len(table)) for table in scores.static],
            static_weights=[np.zeros((table.shape[1], facts)) for table in scores.static],
            first=[np.zeros(size) for size in sizes],
            step=[np.zeros((size, size)) for size in sizes],
            turn=[np.zeros((codec.max_visits, size)) for size in sizes],
            weights=[np.zeros((table.shape[1], known)) for table in scores.visit],
        )

    def sample(
        self, patients: int, rng: np.random.Generator, where: Mapping[int, int] | None = None
    ) -> Tokens:
        """Synthetic tokens; `where` fixes static fields (position: code)."""
        static, length = self.facts(patients, rng, where or {})
        visits = self._visits(static, length, rng)
        inside = np.arange(self.codec.max_visits)[None, :] < length[:, None]
        visits[~inside] = PAD
        made = Tokens(
            static=static.astype(np.int16),
            visits=visits.astype(np.int16),
            length=length.astype(np.int16),
        )
        self.relabel(made, rng)
        return made

    def facts(
        self, patients: int, rng: np.random.Generator, where: Mapping[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Static codes (patients, fields) and numbers of visits (patients,).

        Where codes are fixed, candidates are drawn in order with the fixed codes put in, and
        kept in proportion to how probable those were (importance resampling). Where patients
        were weighed, candidates are kept with a chance that goes with 1 / weight (rejection
        sampling: the law is that of the fit over the weight, which is post-processing).
        """
        if self.groups is None:
            return self._facts(patients, rng, where)
        levels = self.groups.levels(self.codec, where)
        parts = [self._facts(0, rng, where)]
        missing = patients
        while missing > 0:
            static, length = self._facts(2 * missing + 100, rng, where)
            chance = levels[0] / self.groups.among(static, self.codec)
            kept = np.flatnonzero(rng.random(len(static)) < chance)[:missing]
            parts.append((static[kept], length[kept]))
            missing -= len(kept)
        static, length = (np.concatenate(each) for each in zip(*parts, strict=True))
        return static, length

    def _facts(
        self, patients: int, rng: np.random.Generator, where: Mapping[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """As the chain was fitted."""
        rows = patients * POOL + 1000 if where else patients
        fields = len(self.static)
        codes = np.zeros((rows, fields), dtype=np.int64)
        known = np.zeros((rows, self.scores.widths[0]))
        log_chance, start = np.zeros(rows), 0
        for i in range(fields):
            table = self.scores.static[i]
            logits = self.static[i] + known @ self.static_weights[i].T @ table.T
            if i in where:
                codes[:, i] = where[i]
                log_chance += log_softmax(logits, axis=1)[:, where[i]]
            else:
                codes[:, i] = drawn(logits, rng)
            known[:, start : start + table.shape[1]] = table[codes[:, i]]
            start += table.shape[1]
        if where:
            chance = np.exp(log_chance - log_chance.max())
            codes = codes[rng.choice(rows, patients, p=chance / chance.sum())]
        places = len(self.codec.static)
        length = codes[:, -1] if self.scores.counted else np.full(patients, self.codec.max_visits)
        return codes[:, :places], length

    def _visits(
        self, static: np.ndarray, length: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """(patients, max_visits, columns): visits past a patient's last one stay 0."""
        rows, (facts, turns, width) = len(static), self.scores.widths
        visits = np.zeros((rows, self.codec.max_visits, len(self.codec.visit)), dtype=np.int64)
        head = self.scores.facts(static, length)
        for t in range(self.codec.max_visits):
            here = np.flatnonzero(length > t)
            if not len(here):
                break
            known = np.zeros((len(here), facts + turns + width))
            known[:, :facts] = head[here]
            known[:, facts : facts + turns] = self.scores.places(length[here], t)
            start = facts + turns + np.array(self.starts)
            for j in self.order:
                table = self.scores.visit[j]
                if self.label is not None and j == self.label.field:
                    continue
                own = self.step[j][visits[here, t - 1, j]] if t else self.first[j]
                logits = own + self.turn[j][t] + known @ self.weights[j].T @ table.T
                codes = drawn(logits, rng)
                visits[here, t, j] = codes
                known[:, start[j] : start[j] + table.shape[1]] = table[codes]
        return visits

    def chances(self, made: Tokens) -> list[np.ndarray]:
        """Of each visit column (visits, codes): the chance of every code where one was drawn."""
        patient, turn = np.nonzero(made.inside)
        codes = made.visits[patient, turn].astype(np.int64)
        head = self.scores.facts(made.static, made.length)[patient]
        place = self.scores.places(made.length[patient], turn)
        known = np.concatenate([head, place, self.scores.now(codes)], axis=1)
        found = []
        for j, table in enumerate(self.scores.visit):
            own = self.own_logits(j, made, patient, turn)
            # Later columns of the visit have no weight.
            logits = own + self.turn[j][turn] + known @ self.weights[j].T @ table.T
            found.append(softmax(logits, axis=1))
        return found

    def own_logits(
        self, column: int, made: Tokens, patient: np.ndarray, turn: np.ndarray
    ) -> np.ndarray:
        """(rows, codes) what a column's own tables say at those patients' visits."""
        before = made.visits[patient, turn - 1, column].astype(np.int64)
        return np.where((turn == 0)[:, None], self.first[column], self.step[column][before])

    def relabel(self, made: Tokens, rng: np.random.Generator) -> None:
        """Draw the label of every visit again, in order, where it is a visit column."""
        if self.label is None:
            return
        j = self.label.field
        for t in range(self.codec.max_visits):
            here = np.flatnonzero(made.length > t)
            if not len(here):
                break
            left = made.take(here)  # who has no such visit need not be looked at again
            place = np.arange(len(here)), np.full(len(here), t)
            logits = self.own_logits(j, left, *place) + self.label.tilt(left, *place)
            made.visits[here, t, j] = drawn(logits, rng)

    @property
    def starts(self) -> list[int]:
        """Where each visit column's scores begin among those of a visit."""
        widths = [table.shape[1] for table in self.scores.visit]
        return [0, *np.cumsum(widths)[:-1].tolist()] if widths else []

    def arrays(self) -> dict[str, np.ndarray]:
        """All that was fitted, by name."""
        parts = {name: getattr(self, name) for name in FITTED}
        return {f"{name}.{i:04d}": a for name, held in parts.items() for i, a in enumerate(held)}

    def take_up(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Replace what was fitted by what `arrays` gave."""
        for name in FITTED:
            keys = sorted(key for key in arrays if key.startswith(f"{name}."))
            setattr(self, name, [arrays[key] for key in keys])


FITTED = ("static", "static_weights", "first", "step", "turn", "weights")


def drawn(logits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One code per row (Gumbel maximum). Shape: (rows, codes) -> (rows,)."""
    return (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
