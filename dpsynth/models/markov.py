"""The floor: independent Markov chains per column given the label, from one noisy release."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dpsynth.data.codec import PAD, Codec, Tokens
from dpsynth.models.tables import cleaned, conditional, draw
from dpsynth.privacy.query import Query, Slot


class Markov:
    """First values and pooled transitions of each column, given the anchor.

    Args:
        codec: the code book.
        given: position of the anchor among the static columns, or none.
        queries: among them those of `markov_workload`.
        answers: the noisy tables, in the order of `queries`.
        noise_sd: stddev of the noise in a cell of weight 1, in patients.
    """

    def __init__(
        self,
        codec: Codec,
        given: int | None,
        queries: list[Query],
        answers: list[np.ndarray],
        noise_sd: float,
    ) -> None:
        self.codec, self.given = codec, given
        self._head = () if given is None else (Slot("static", given),)
        self._table = {
            query.slots: cleaned(noisy, noise_sd / query.weight)
            for query, noisy in zip(queries, answers, strict=True)
        }
        total = np.median([max(noisy.sum(), 1.0) for noisy in answers])
        self._prior = float(noise_sd / total)

    def sample(
        self, patients: int, rng: np.random.Generator, where: Mapping[int, int] | None = None
    ) -> Tokens:
        """Synthetic tokens.

        Args:
            patients: how many.
            rng: source.
            where: static fields (position: code) that are fixed; exact, since the others are
                independent given the anchor (a fixed one that is not the anchor reweighs it).
        """
        codec, fixed = self.codec, where or {}
        static = np.zeros((patients, len(codec.static)), dtype=np.int64)
        kind = np.zeros(patients, dtype=np.int64)
        if self.given is not None:
            kind = draw(np.tile(self.anchor(fixed), (patients, 1)), rng)
            static[:, self.given] = kind
        for i in range(len(codec.static)):
            if i != self.given:
                static[:, i] = draw(self._rows((Slot("static", i),))[kind], rng)
                static[:, i] = fixed.get(i, static[:, i])
        visits = np.full((patients, codec.max_visits, len(codec.visit)), PAD, dtype=np.int64)
        length = np.full(patients, codec.max_visits)
        if codec.max_visits and not codec.regular:
            length = draw(self._rows((Slot("length"),))[kind], rng)
        for j in range(len(codec.visit)):
            self._chain(visits, j, kind, rng)
        visits[np.arange(codec.max_visits)[None, :] >= length[:, None]] = PAD
        return Tokens(
            static=static.astype(np.int16),
            visits=visits.astype(np.int16),
            length=length.astype(np.int16),
        )

    def _chain(
        self, visits: np.ndarray, j: int, kind: np.ndarray, rng: np.random.Generator
    ) -> None:
        now = draw(self._rows((Slot("first", j),))[kind], rng)
        visits[:, 0, j] = now
        if visits.shape[1] > 1:
            joint = self._table[(*self._head, Slot("now", j), Slot("next", j))]
            joint = joint if self._head else joint[None]
            steps = np.stack([conditional(each, 1, self._prior) for each in joint])
            for t in range(1, visits.shape[1]):
                now = draw(steps[kind, now], rng)
                visits[:, t, j] = now

    def anchor(self, fixed: Mapping[int, int]) -> np.ndarray:
        """p(anchor | fixed), from the mean over all tables that count every patient by it."""
        # "first" leaves out who never came, who may well differ in the anchor.
        partial = {"next"} if self.codec.regular else {"next", "first"}
        views = [
            table.reshape(len(table), -1).sum(1)
            for slots, table in self._table.items()
            if slots[:1] == self._head and not partial & {slot.where for slot in slots}
        ]
        weights = np.mean(views, axis=0)
        for i, code in fixed.items():
            if i == self.given:
                weights = np.eye(len(weights))[code]
            else:
                weights = weights * self._rows((Slot("static", i),))[:, code]
        if not weights.sum() > 0:  # what is asked for was lost in the noise
            weights = np.ones(len(weights))
        return weights / weights.sum()

    def _rows(self, slots: tuple[Slot, ...]) -> np.ndarray:
        """(anchor values or 1, cells): a column's distribution given the anchor."""
        table = self._table[(*self._head, *slots)]
        return conditional(table, 1, self._prior) if self._head else table[None]
