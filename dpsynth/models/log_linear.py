"""The warm start as a model of its own: tables and moments, a minute, no network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dpsynth.data.codec import Codec, Tokens
from dpsynth.models.base import Progress, planned
from dpsynth.models.packing import as_arrays, as_tensors
from dpsynth.models.settings import chosen
from dpsynth.models.state import State
from dpsynth.models.warm import WarmStart
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.plan import Plan
from dpsynth.schema import Schema


@dataclass(frozen=True, kw_only=True)
class Settings:
    """There is nothing to set."""


class LogLinear:
    """The whole budget on the releases of `warm.WarmStart`.

    Args:
        schema, codec, plan: public, or released.
    """

    def __init__(self, schema: Schema, codec: Codec, plan: Plan, **settings: Any) -> None:
        chosen(Settings, "log-linear", settings)
        self._start = WarmStart(schema, codec, plan)

    @staticmethod
    def plan(schema: Schema, budget: Budget, count_epsilon: float = 0.0, **settings: Any) -> Plan:
        """Tables, moments and what tells the label, after what private columns need."""
        chosen(Settings, "log-linear", settings)
        return planned(
            schema,
            budget,
            lambda left: WarmStart.releases(schema, left),
            count_epsilon=count_epsilon,
        )

    def fit(self, door: Door, state: State, progress: Progress, device: torch.device) -> None:
        """Ask, and fit by simulation."""
        self._start.fit(door, state, progress)

    def tensors(self) -> dict[str, Tensor]:
        """The fitted chain."""
        return as_tensors(self._start.arrays())

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take up a saved chain."""
        self._start.take_up(as_arrays(tensors))

    def sample(
        self,
        patients: int,
        where: Mapping[int, int],
        seed: int,
        progress: Progress,
        device: torch.device,
    ) -> Tokens:
        """Visit after visit, column after column."""
        tokens = self._start.sample(patients, np.random.default_rng(seed), where)
        progress("generating", patients, patients)
        return tokens
