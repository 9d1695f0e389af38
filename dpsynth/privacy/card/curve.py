"""What an (epsilon, delta) profile says about attackers.

A mechanism that is (eps, delta)-DP in both directions of add-or-remove bounds the true-positive
rate of any test at false-positive rate a (Wasserman and Zhou 2010; Kairouz et al. 2015):

    TPR <= min(e^eps a + delta,  1 - e^-eps (1 - delta - a))

and a whole profile gives the least of these bounds over its points. All figures here are upper
bounds on the attacker, whatever he knows of everybody else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

Array = np.ndarray
FALSE_ALARMS = (0.001, 0.01, 0.1)  # where the bound on hits is reported
TOUCHED = (*FALSE_ALARMS, 0.05, 0.2, 0.3)  # where the sampled curve is made tight
REFINED = 5  # samples that close in on where epsilon reaches 0


@dataclass(frozen=True, kw_only=True)
class GDP:
    """The least mu whose Gaussian curve is never the stronger promise.

    Attributes:
        mu: mu-GDP parameter (Dong, Roth, Su 2022).
        regret: how far the Gaussian curve lies below the true one along the diagonal, in error
            rates, over the sampled points; below 0.01 mu is a fair summary (Gomez et al. 2025).
        delta_from: smallest delta at which dominance was checked.
    """

    mu: float
    regret: float
    delta_from: float


@dataclass(frozen=True)
class Curve:
    """Points of a privacy profile: deltas rising, epsilons falling to 0.

    The last point, (0, advantage), follows from the others if it was not sampled: whatever is
    (eps, delta)-DP is also (0, tanh(eps/2) (1 - delta) + delta)-DP.
    """

    deltas: Array
    epsilons: Array

    @classmethod
    def of(cls, profile: Callable[[float], float], delta: float) -> Curve:
        """Sample a profile, some thirty-five times: accountants take their time.

        Args:
            profile: epsilon as a function of delta, never rising; infinite where nothing is
                promised.
            delta: the promised one; the samples start at a hundredth of it.

        Raises:
            ValueError: if the profile has no finite epsilon at the promised delta.
        """
        points: dict[float, float] = {}
        low, high = 0.0, 1.0  # where epsilon reaches 0
        for point in _grid(delta):
            if point >= high:
                break
            epsilon = max(0.0, float(profile(point)))
            if np.isfinite(epsilon):
                points[point] = epsilon
                low, high = (point, high) if epsilon else (low, point)
                high = min(high, _even(epsilon, point))
        if not points or min(points) > delta:
            raise ValueError(f"the profile promises nothing at delta {delta!r}")
        for _ in range(REFINED):
            middle = (low + high) / 2
            epsilon = max(0.0, float(profile(middle)))
            points[middle] = epsilon
            low, high = (middle, high) if epsilon else (low, middle)
        mu = cls._through(points)._mu()
        touching = (_touching(mu, rate) for rate in TOUCHED)
        points |= {d: max(0.0, float(profile(d))) for d in touching if min(points) < d < high}
        return cls._through(points)

    @classmethod
    def _through(cls, points: Mapping[float, float]) -> Curve:
        least = min(_even(epsilon, delta) for delta, epsilon in points.items())
        kept = [*sorted((d, e) for d, e in points.items() if d < least), (least, 0.0)]
        return cls(np.array([d for d, _ in kept]), np.array([e for _, e in kept]))

    def tpr(self, fpr: float) -> float:
        """Largest true-positive rate of any attacker at that false-positive rate."""
        return float(self.tprs(np.array([fpr]))[0])

    def tprs(self, fprs: Array) -> Array:
        """The same for many rates, shape (rates,)."""
        factor = np.exp(np.minimum(self.epsilons, 700))[:, None]
        deltas = self.deltas[:, None]
        steep = (deltas + factor * fprs).min(axis=0)
        flat = (1 - (1 - deltas - fprs) / factor).min(axis=0)
        return np.minimum(1.0, np.minimum(steep, flat))

    def advantage(self) -> float:
        """Largest TPR minus FPR of any attacker: the total variation of the trade-off curve."""
        return float(self.deltas[-1])

    def gdp(self) -> GDP:
        """Fit mu from above at every sampled point, and say how loose it is."""
        mu = self._mu()
        return GDP(mu=mu, regret=self._regret(mu), delta_from=float(self.deltas[0]))

    def _mu(self) -> float:
        pairs = zip(self.epsilons.tolist(), self.deltas.tolist(), strict=True)
        return max(_mu_through(epsilon, delta) for epsilon, delta in pairs)

    def _regret(self, mu: float) -> float:
        """Least k with f(a + k) - k <= G_mu(a) for all a, where f = 1 - tpr."""
        rates = np.concatenate([np.geomspace(1e-6, 0.02, 40), np.linspace(0.02, 1.0, 99)])
        gauss = norm.cdf(norm.isf(rates) - mu)

        def too_small(k: float) -> bool:
            ours = 1 - self.tprs(np.minimum(1.0, rates + k))
            return bool((ours - k > gauss + 1e-12).any())

        low, high = 0.0, 1.0
        for _ in range(24):
            middle = (low + high) / 2
            low, high = (middle, high) if too_small(middle) else (low, middle)
        return high


def _grid(delta: float) -> list[float]:
    """Deltas to sample: three to a tenfold, then evenly over what is left."""
    low = np.log10(delta) - 2
    fine = np.logspace(low, -1, max(2, int(np.ceil(3 * (-1 - low))) + 1))
    return sorted({delta, *fine.tolist(), 0.2, 0.35, 0.5, 0.7, 0.85, 0.95, 0.99})


def _even(epsilon: float, delta: float) -> float:
    """The delta at epsilon 0 that follows: (e^eps - 1 + 2 delta) / (e^eps + 1)."""
    half = float(np.tanh(epsilon / 2))
    return half + delta * (1 - half)


def _touching(mu: float, rate: float) -> float:
    """The delta whose line touches the Gaussian curve at that false-positive rate."""
    z = float(norm.ppf(rate))
    return _gaussian_delta(mu, max(0.0, -mu * z - mu**2 / 2))


def _gaussian_delta(mu: float, epsilon: float) -> float:
    """Profile of mu-GDP (Balle and Wang 2018), rising in mu.

    delta(eps) = Phi(mu/2 - eps/mu) - e^eps Phi(-mu/2 - eps/mu)
    """
    second = np.exp(epsilon + norm.logcdf(-mu / 2 - epsilon / mu))
    return float(norm.cdf(mu / 2 - epsilon / mu) - second)


def _mu_through(epsilon: float, delta: float) -> float:
    """The mu whose Gaussian profile passes through the point."""
    low, high = 1e-9, 1.0
    while _gaussian_delta(high, epsilon) < delta:
        low, high = high, high * 2
    if _gaussian_delta(low, epsilon) >= delta:
        return low
    return float(brentq(lambda mu: _gaussian_delta(mu, epsilon) - delta, low, high)) + 1e-9
