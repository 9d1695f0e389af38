"""From measures of single copies to a curve over epsilon, with intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import t

from dpsynth.evaluation.estimate import Estimate
from dpsynth.evaluation.evaluation import plain

# Ends of the scale of differences and of what has none; all others lie in 0 to 1.
BOUNDS = {
    "auc_loss": (-1.0, 1.0),
    "worst_group_loss": (-1.0, 1.0),
    "kid": (-math.inf, math.inf),
}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One measure of one copy.

    Attributes:
        metric: its name in results files.
        estimate: with its interval over holdout patients.
        group: the subgroup, or none for everyone.
    """

    metric: str
    estimate: Estimate
    group: str | None = None

    def public(self) -> dict[str, Any]:
        """As JSON; what can't be assessed is null."""
        facts: dict[str, Any] = plain(dict(vars(self.estimate)))
        return {"metric": self.metric, "group": self.group} | facts

    @classmethod
    def from_public(cls, facts: Mapping[str, Any]) -> Measured:
        """What `public` wrote."""
        value, low, high = (
            math.nan if facts[k] is None else facts[k] for k in ("value", "low", "high")
        )
        estimate = Estimate(value, low, high, facts["n"], facts["note"])
        return cls(metric=facts["metric"], group=facts["group"], estimate=estimate)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One measure of one model at one epsilon, over all seeds.

    Attributes:
        model: registry name.
        epsilon: infinite without noise.
        metric, group: as of `Measured`.
        value: mean over seeds; NaN if one of them can't be assessed, and then `note` says why.
        low, high: 95 % interval over seeds (Student's t); over patients if there is one seed.
        least, most: 95 % interval for both chances, of training and of who was held out: what a
            decision must go by.
        seeds: copies behind it.
        n: holdout patients behind each.
        note: a caveat, empty if there is none.
    """

    model: str
    epsilon: float
    metric: str
    group: str | None
    value: float
    low: float
    high: float
    least: float
    most: float
    seeds: int
    n: int
    note: str = ""

    @property
    def assessable(self) -> bool:
        """Whether there is a value."""
        return math.isfinite(self.value)

    def public(self) -> dict[str, Any]:
        """As JSON: epsilon without privacy is null, and so is what can't be assessed."""
        facts: dict[str, Any] = plain(dict(vars(self)))
        return facts


def cells(
    copies: Iterable[tuple[str, float, Sequence[Measured]]],
) -> tuple[Cell, ...]:
    """The curve: every measure at every model and epsilon, in the order in which they came.

    Args:
        copies: model, epsilon and measures of each copy.
    """
    found: dict[tuple[str, float, str, str | None], list[Estimate]] = {}
    for model, epsilon, measures in copies:
        for each in measures:
            key = model, epsilon, each.metric, each.group
            found.setdefault(key, []).append(each.estimate)
    return tuple(cell(*key, estimates) for key, estimates in found.items())


def cell(
    model: str, epsilon: float, metric: str, group: str | None, estimates: Sequence[Estimate]
) -> Cell:
    """One measure over its seeds.

    The seeds' own spread is that of noise, network and generation, on one holdout; it falls
    with the number of seeds. The chance of who is in the holdout is the same for all seeds and
    does not fall. The two are independent, so that their half widths add in squares.
    """
    count = len(estimates)
    values = np.array([each.value for each in estimates])
    bad = next((each for each in estimates if not each.assessable), None)
    ends = np.full(4, math.nan)
    if bad is None:
        value, bounds = float(values.mean()), BOUNDS.get(metric, (0.0, 1.0))
        below = float(np.mean([each.value - each.low for each in estimates]))
        above = float(np.mean([each.high - each.value for each in estimates]))
        half = 0.0
        if count > 1:
            half = float(t.ppf(0.975, count - 1) * values.std(ddof=1) / math.sqrt(count))
        over = (half, half) if count > 1 else (below, above)
        both = (math.hypot(half, below), math.hypot(half, above))
        found = (value - over[0], value + over[1], value - both[0], value + both[1])
        ends = np.clip(found, *bounds)
    low, high, least, most = (float(each) for each in ends)
    return Cell(
        model=model,
        epsilon=epsilon,
        metric=metric,
        group=group,
        value=float(values.mean()) if bad is None else math.nan,
        low=low,
        high=high,
        least=least,
        most=most,
        seeds=count,
        n=estimates[0].n,
        note=(bad or estimates[0]).note,
    )
