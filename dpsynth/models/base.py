"""What every model offers to the pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor

from dpsynth.data.codec import Codec, Tokens
from dpsynth.models.state import State
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.plan import Plan
from dpsynth.schema import Kind, Schema

THRESHOLD_SHARE = 0.1  # of delta, where categories are private

Progress = Callable[[str, int, int], None]  # (stage, done, of): public numbers only


def quiet(stage: str, done: int, of: int) -> None:
    """No progress report."""


class Model(Protocol):
    """A generative model of patients' tokens.

    A model is made from public facts, learns from a door, and is then nothing but tensors
    that may be written to disk.
    """

    @staticmethod
    def plan(schema: Schema, budget: Budget, count_epsilon: float, **settings: Any) -> Plan:
        """What `fit` will ask: chosen from the schema, the public size and epsilon alone."""

    def __init__(self, schema: Schema, codec: Codec, plan: Plan, **settings: Any) -> None: ...

    def fit(self, door: Door, state: State, progress: Progress, device: torch.device) -> None:
        """Ask the door what the plan holds, picking up what `state` has."""

    def tensors(self) -> dict[str, Tensor]:
        """All that was learnt."""

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take up what `tensors` gave."""

    def sample(
        self,
        patients: int,
        where: Mapping[int, int],
        seed: int,
        progress: Progress,
        device: torch.device,
    ) -> Tokens:
        """Synthetic tokens; `where` fixes static fields (position: code)."""


def discoveries(schema: Schema, share: float) -> tuple[tuple[str, float], ...]:
    """Releases that private columns need, with their shares of the budget."""
    columns = [*schema.columns("patient").values(), *schema.columns("visit").values()]
    private = [column.type for column in columns if column.private]
    names = []
    if any(kind in {Kind.NUMBER, Kind.COUNT} for kind in private):
        names.append("bounds")
    if Kind.CATEGORY in private:
        names.append("categories")
    return tuple((name, share / len(names)) for name in names)


def threshold_delta(first: tuple[tuple[str, float], ...], budget: Budget) -> float:
    """What is set apart of delta for showing which categories were seen; 0 if none are private."""
    return THRESHOLD_SHARE * budget.delta if "categories" in dict(first) else 0.0
