"""The Markov floor as a model of its own: one release, seconds, no training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from dpsynth.data.codec import Codec, Tokens
from dpsynth.models.base import Progress, planned
from dpsynth.models.markov import Markov
from dpsynth.models.one_release import OneRelease
from dpsynth.models.settings import chosen
from dpsynth.models.workload import anchor, markov_workload
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.plan import Plan
from dpsynth.schema import Schema


@dataclass(frozen=True, kw_only=True)
class Settings:
    """There is nothing to set."""


class MarkovModel(OneRelease):
    """The whole budget on the tables of `markov_workload`.

    Args:
        schema, codec, plan: public, or released.
    """

    def __init__(self, schema: Schema, codec: Codec, plan: Plan, **settings: Any) -> None:
        chosen(Settings, "markov", settings)
        self._given = anchor(schema, codec)
        super().__init__(codec, plan, markov_workload(codec, self._given))

    @staticmethod
    def plan(schema: Schema, budget: Budget, count_epsilon: float = 0.0, **settings: Any) -> Plan:
        """One release of tables, after what private columns need."""
        chosen(Settings, "markov", settings)
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
        """Chains; static fields that `where` fixes are fixed, the anchor before all else."""
        chain = Markov(self.codec, self._given, self._queries, self._answers, self._noise_sd)
        tokens = chain.sample(patients, np.random.default_rng(seed), where)
        progress("generating", patients, patients)
        return tokens
