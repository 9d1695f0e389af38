"""What an (epsilon, delta) profile says about attackers.

A mechanism that is (eps, delta)-DP in both directions of add-or-remove bounds the true-positive
rate of any test at false-positive rate a (Wasserman and Zhou 2010; Kairouz et al. 2015):

    TPR <= min(e^eps a + delta,  1 - e^-eps (1 - delta - a))

and a whole profile gives the least of these bounds over its points. All figures here are upper
bounds on the attacker, whatever he knows of everybody else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

Array = np.ndarray


@dataclass(frozen=True, kw_only=True)
class GDP:
    """The least mu whose Gaussian curve is never the stronger promise.

    Attributes:
        mu: mu-GDP parameter (Dong, Roth, Su 2022).
        regret: how far the Gaussian curve lies below the true one along the diagonal, in error
            rates; below 0.01 mu is a fair summary (Gomez et al. 2025).
        delta_from: smallest delta at which dominance was checked.
    """

    mu: float
    regret: float
    delta_from: float


@dataclass(frozen=True)
class Curve:
    """Points of a privacy profile, deltas rising, epsilons falling to the first 0 (if any)."""

    deltas: Array
    epsilons: Array

    @classmethod
    def of(cls, profile: Callable[[float], float], delta: float) -> Curve:
        """Sample a profile.

        Args:
            profile: epsilon as a function of delta, never rising; infinite where nothing is
                promised.
            delta: the promised one; the samples start at a hundredth of it.

        Raises:
            ValueError: if the profile has no finite epsilon at the promised delta.
        """
        lowest = delta / 100
        grid = np.unique(
            np.concatenate([[delta], np.geomspace(lowest, 0.02, 60), np.linspace(0.02, 0.98, 49)])
        )
        deltas: list[float] = []
        epsilons: list[float] = []
        for point in grid.tolist():
            epsilon = max(0.0, float(profile(point)))
            if not np.isfinite(epsilon):
                continue
            zero = epsilon == 0.0
            deltas.append(_first_zero(profile, deltas[-1], point) if zero and deltas else point)
            epsilons.append(epsilon)
            if zero:
                break
        if not deltas or deltas[0] > delta:
            raise ValueError(f"the profile promises nothing at delta {delta!r}")
        return cls(np.array(deltas), np.array(epsilons))

    def tpr(self, fpr: float) -> float:
        """Largest true-positive rate of any attacker at that false-positive rate."""
        steep = self.deltas + np.exp(np.minimum(self.epsilons, 700)) * fpr
        flat = 1 - np.exp(-self.epsilons) * (1 - self.deltas - fpr)
        return float(min(1.0, steep.min(), flat.min()))

    def advantage(self) -> float:
        """Largest TPR minus FPR of any attacker: the total variation of the trade-off curve.

        Exact where the profile reaches epsilon 0 (it is delta there), else a bound.
        """
        half = np.tanh(self.epsilons / 2)  # (e^eps - 1) / (e^eps + 1)
        return float(min(1.0, (half + self.deltas * (1 - half)).min()))

    def gdp(self) -> GDP:
        """Fit mu from above at every sampled point, and say how loose it is."""
        pairs = zip(self.epsilons.tolist(), self.deltas.tolist(), strict=True)
        mu = max(_mu_through(epsilon, delta) for epsilon, delta in pairs)
        return GDP(mu=mu, regret=self._regret(mu), delta_from=float(self.deltas[0]))

    def _regret(self, mu: float) -> float:
        """Least k with f(a + k) - k <= G_mu(a) for all a, where f = 1 - tpr."""
        rates = np.concatenate([np.geomspace(1e-6, 0.02, 40), np.linspace(0.02, 1.0, 99)])
        gauss = norm.cdf(norm.isf(rates) - mu)

        def too_small(k: float) -> bool:
            ours = np.array([1 - self.tpr(min(1.0, rate + k)) for rate in rates])
            return bool((ours - k > gauss + 1e-12).any())

        low, high = 0.0, 1.0
        for _ in range(24):
            middle = (low + high) / 2
            low, high = (middle, high) if too_small(middle) else (low, middle)
        return high


def _first_zero(profile: Callable[[float], float], low: float, high: float) -> float:
    """Smallest delta with epsilon 0, from above, by bisection."""
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if profile(middle) <= 0 else (middle, high)
    return high


def _mu_through(epsilon: float, delta: float) -> float:
    """The mu whose Gaussian profile passes through the point (Balle and Wang 2018).

    delta(eps) = Phi(mu/2 - eps/mu) - e^eps Phi(-mu/2 - eps/mu), rising in mu.
    """

    def excess(mu: float) -> float:
        second = np.exp(epsilon + norm.logcdf(-mu / 2 - epsilon / mu))
        return float(norm.cdf(mu / 2 - epsilon / mu) - second - delta)

    high = 1.0
    while excess(high) < 0:
        high *= 2
    low = 1e-9
    if excess(low) >= 0:
        return low
    return float(brentq(excess, low, high, xtol=1e-10)) + 1e-9
