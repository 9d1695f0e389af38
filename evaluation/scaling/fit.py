"""How a cost grows with size: the exponent of a power law."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import linregress, t


@dataclass(frozen=True, kw_only=True)
class PowerLaw:
    """cost = scale * size ** exponent, by least squares in the logarithms.

    Attributes:
        exponent: 1 if twice the size costs twice as much.
        low, high: 95 % t interval of the exponent.
        scale: cost at size 1.
    """

    exponent: float
    low: float
    high: float
    scale: float

    def at(self, size: float) -> float:
        """The law's cost at that size."""
        return float(self.scale * size**self.exponent)


def power_law(sizes: list[float], costs: list[float]) -> PowerLaw:
    """Fit the law.

    Raises:
        ValueError: with fewer than three points, or a size or cost that is not positive.
    """
    if len(sizes) < 3:
        raise ValueError(f"an exponent with an interval needs three points, got {len(sizes)}")
    if min(*sizes, *costs) <= 0:
        raise ValueError("sizes and costs must be positive")
    line = linregress(np.log(sizes), np.log(costs))
    half = float(t.ppf(0.975, len(sizes) - 2)) * float(line.stderr)
    slope = float(line.slope)
    return PowerLaw(
        exponent=slope, low=slope - half, high=slope + half, scale=float(np.exp(line.intercept))
    )
