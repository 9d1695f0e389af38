"""What a run costs in Renyi differential privacy, at orders that are fixed for good."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dpsynth.errors import InputError

# The same for every run, cap and version, and whole, so that each value has a closed form. A
# ledger holds costs at these orders: a change of them makes old runs ones without a curve.
ORDERS = tuple(1 + 2**power for power in range(8))  # 2, 3, 5, 9, 17, 33, 65, 129


@dataclass(frozen=True, kw_only=True)
class Renyi:
    """A run's Renyi curve (Mironov 2017), for adding or removing one patient, both ways.

    Attributes:
        epsilons: bound on the Renyi divergence at each of `ORDERS`, of all answers of the run
            together, whatever its questions were chosen by.
        delta: chance of what the curve does not cover: a category that one patient alone has
            is revealed.
    """

    epsilons: tuple[float, ...]
    delta: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a curve that would take cost off a sum."""
        if len(self.epsilons) != len(ORDERS):
            raise InputError(f"a Renyi curve has {len(ORDERS)} values, got {len(self.epsilons)}")
        if not all(math.isfinite(each) and each >= 0 for each in self.epsilons):
            raise InputError(f"a Renyi curve is finite and at least 0, got {self.epsilons!r}")
        if not 0 <= self.delta < 1:
            raise InputError(f"a curve's delta must be in [0, 1), got {self.delta!r}")

    def public(self) -> dict[str, Any]:
        """As JSON, for the ledger; it says its orders itself."""
        return {"orders": list(ORDERS), "epsilons": list(self.epsilons), "delta": self.delta}

    @classmethod
    def from_public(cls, fields: Mapping[str, Any] | None) -> Renyi | None:
        """The curve that `public` wrote; none if there is none, or at other orders than ours."""
        if fields is None or tuple(fields["orders"]) != ORDERS:
            return None
        return cls(epsilons=tuple(fields["epsilons"]), delta=fields["delta"])


def surcharge(order: int, delta: float) -> float:
    """What turns a Renyi bound at an order into epsilon at delta, by adding it.

    (order, rho)-Renyi differential privacy is (rho + surcharge, delta)-DP (Canonne, Kamath and
    Steinke 2020, proposition 12); it may be negative.
    """
    if delta <= 0:
        return math.inf
    return math.log1p(-1 / order) - math.log(delta * order) / (order - 1)
