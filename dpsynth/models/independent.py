"""The lowest floor: every column on its own, from one noisy release of seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from dpsynth.data.codec import PAD, Codec, Tokens
from dpsynth.models.base import Progress, planned
from dpsynth.models.one_release import OneRelease
from dpsynth.models.settings import chosen
from dpsynth.models.tables import cleaned, conditional, draw
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.plan import Plan
from dpsynth.privacy.query import Query, Slot
from dpsynth.schema import Schema

PULL = 3.0  # noise stddevs per cell, in patients, with which a visit is drawn towards all visits


@dataclass(frozen=True, kw_only=True)
class Settings:
    """There is nothing to set."""


def independent_workload(codec: Codec) -> list[Query]:
    """One table per column: of static facts, of the number of visits, of a visit's columns.

    A visit's column is counted by which visit it is, so that one table holds both its change
    over time and, summed, its distribution pooled over visits.
    """
    asked = [Query((Slot("length"),))] if codec.max_visits and not codec.regular else []
    asked += [Query((Slot("static", i),)) for i in range(len(codec.static))]
    return asked + [Query((Slot("turn"), Slot("now", j))) for j in range(len(codec.visit))]


class IndependentModel(OneRelease):
    """The whole budget on one noisy table per column, each drawn on its own.

    What a relation between columns is worth is what a model gains over this one; its copies
    have the right columns at each visit, and no person in them.

    Args:
        schema, codec, plan: public, or released.
    """

    def __init__(self, schema: Schema, codec: Codec, plan: Plan, **settings: Any) -> None:
        chosen(Settings, "independent", settings)
        super().__init__(codec, plan, independent_workload(codec))

    @staticmethod
    def plan(schema: Schema, budget: Budget, count_epsilon: float = 0.0, **settings: Any) -> Plan:
        """One release of tables, after what private columns need."""
        chosen(Settings, "independent", settings)
        return planned(
            schema, budget, lambda left: (("tables", left),), count_epsilon=count_epsilon
        )

    def sample(
        self,
        patients: int,
        where: Mapping[int, int],
        seed: int,
        progress: Progress,
        device: torch.device,
    ) -> Tokens:
        """Columns drawn on their own; `where` is exact, for nothing depends on what it fixes."""
        codec, rng = self.codec, np.random.default_rng(seed)
        tables = iter(self._distributions())
        length = np.full(patients, codec.max_visits)
        if codec.max_visits and not codec.regular:
            length = draw(np.tile(next(tables), (patients, 1)), rng)
        static = np.zeros((patients, len(codec.static)), dtype=np.int16)
        for i in range(len(codec.static)):
            static[:, i] = draw(np.tile(next(tables), (patients, 1)), rng)
            static[:, i] = where.get(i, static[:, i])
        visits = np.full((patients, codec.max_visits, len(codec.visit)), PAD, dtype=np.int16)
        inside = np.arange(codec.max_visits)[None, :] < length[:, None]
        turn = np.nonzero(inside)[1]
        for j in range(len(codec.visit)):
            visits[inside, j] = draw(next(tables)[turn], rng)
        progress("generating", patients, patients)
        return Tokens(static=static, visits=visits, length=length.astype(np.int16))

    def _distributions(self) -> list[np.ndarray]:
        """(cells,) or (visits, cells) per column, each row a distribution.

        A visit that few patients have is drawn from what is pooled over visits.
        """
        total = np.median([max(noisy.sum(), 1.0) for noisy in self._answers])
        found = []
        for query, noisy in zip(self._queries, self._answers, strict=True):
            table = cleaned(noisy, self._noise_sd / query.weight)
            prior = PULL * noisy.shape[-1] * self._noise_sd / total
            found.append(conditional(table, 1, prior) if noisy.ndim > 1 else table)
        return found
