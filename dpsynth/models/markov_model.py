"""The Markov floor as a model of its own: one release, seconds, no training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dpsynth.data.codec import Codec, Tokens
from dpsynth.models.base import Progress, discoveries, threshold_delta
from dpsynth.models.markov import Markov
from dpsynth.models.settings import chosen
from dpsynth.models.state import State
from dpsynth.models.workload import anchor, markov_workload
from dpsynth.privacy.accountant import calibrate
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.plan import Plan
from dpsynth.privacy.query import joint_sensitivity
from dpsynth.schema import Schema

BOUNDS_SHARE = 0.1  # of the budget, where the schema has private columns


@dataclass(frozen=True, kw_only=True)
class Settings:
    """There is nothing to set."""


class MarkovModel:
    """The whole budget on the tables of `markov_workload`.

    Args:
        schema, codec, plan: public, or released.
    """

    def __init__(self, schema: Schema, codec: Codec, plan: Plan, **settings: Any) -> None:
        chosen(Settings, "markov", settings)
        self.codec = codec
        self._given = anchor(schema, codec)
        self._queries = markov_workload(codec, self._given)
        release = plan.release("tables")
        self._noise_sd = release.noise_multiplier * joint_sensitivity(self._queries)
        self._answers: list[np.ndarray] = []

    @staticmethod
    def plan(schema: Schema, budget: Budget, count_epsilon: float = 0.0, **settings: Any) -> Plan:
        """One release of tables, after what private columns need."""
        chosen(Settings, "markov", settings)
        first = discoveries(schema, BOUNDS_SHARE)
        left = 1.0 - sum(share for _, share in first)
        return calibrate(
            budget,
            (*first, ("tables", left)),
            None,
            count_epsilon=count_epsilon,
            threshold_delta=threshold_delta(first, budget),
        )

    def fit(self, door: Door, state: State, progress: Progress, device: torch.device) -> None:
        """Ask once."""
        self._answers = state.once("tables", lambda: door.measure("tables", self._queries))
        progress("measuring", 1, 1)

    def tensors(self) -> dict[str, Tensor]:
        """The noisy tables."""
        return {f"{i:04d}": torch.from_numpy(a) for i, a in enumerate(self._answers)}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take up saved tables."""
        self._answers = [tensors[key].numpy() for key in sorted(tensors)]

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
