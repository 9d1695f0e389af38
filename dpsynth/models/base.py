"""What every model offers to the pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor

from dpsynth.data.codec import Codec, Tokens
from dpsynth.models.state import State
from dpsynth.privacy.accountant import calibrate
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.plan import DPSGD, Plan
from dpsynth.schema import Kind, Schema

THRESHOLD_SHARE = 0.1  # of delta, where categories are private
BOUNDS_SHARE = 0.1  # of the budget, where the schema has private columns

Shares = tuple[tuple[str, float], ...]  # names of releases, and their shares of the budget
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


def discoveries(schema: Schema, share: float) -> Shares:
    """Releases that private columns need, with their shares of the budget."""
    columns = [*schema.columns("patient").values(), *schema.columns("visit").values()]
    private = [column.type for column in columns if column.private]
    names = []
    if any(kind in {Kind.NUMBER, Kind.COUNT} for kind in private):
        names.append("bounds")
    if Kind.CATEGORY in private:
        names.append("categories")
    return tuple((name, share / len(names)) for name in names)


def threshold_delta(first: Shares, budget: Budget) -> float:
    """What is set apart of delta for showing which categories were seen; 0 if none are private."""
    return THRESHOLD_SHARE * budget.delta if "categories" in dict(first) else 0.0


def planned(
    schema: Schema,
    budget: Budget,
    releases: Callable[[float], Shares],
    *,
    count_epsilon: float,
    training: DPSGD | None = None,
    bounds_share: float = BOUNDS_SHARE,
) -> Plan:
    """The plan of a model: what private columns need, its own releases, and its training.

    Args:
        schema, budget: public.
        releases: what is left of the budget after private columns -> names and shares.
        count_epsilon: already spent on a noised size.
        training: DP-SGD with any noise multiplier, or none.
        bounds_share: of the budget, for private columns.
    """
    first = discoveries(schema, bounds_share)
    left = 1.0 - sum(share for _, share in first)
    return calibrate(
        budget,
        (*first, *releases(left)),
        training,
        count_epsilon=count_epsilon,
        threshold_delta=threshold_delta(first, budget),
    )


def dpsgd(budget: Budget, batch: int, *, clip_norm: float, steps: int, views: int = 1) -> DPSGD:
    """DP-SGD over that many patients a step, whose noise is still to be found."""
    rate = min(batch / budget.population, 1.0)
    return DPSGD(
        noise_multiplier=1.0,
        clip_norm=clip_norm,
        sample_rate=rate,
        expected_batch=rate * budget.population,
        steps=steps,
        views=views,
    )
