"""What may be spent, on how many: epsilon, delta and the public size they rest on."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dpsynth.errors import InputError


def default_delta(population: int) -> float:
    """The largest power of ten below population^-1.1.

    Args:
        population: the public or noised number of patients P.
    """
    # In whole numbers, so that no rounding moves the boundary: 10^-k < P^-1.1 <=> P^11 < 10^(10 k).
    digits = len(str(max(int(population), 1) ** 11))
    return float(f"1e-{math.ceil(digits / 10)}")


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The promise of a run, for adding or removing one patient with all their data.

    Attributes:
        epsilon: > 0 and finite, without unit.
        delta: in (0, 1 / population).
        population: the public or noised number of patients P; not the true number.
    """

    epsilon: float
    delta: float
    population: int

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            InputError: names the number, its range and the cure.
        """
        if not (math.isfinite(self.epsilon) and self.epsilon > 0):
            raise InputError(f"epsilon must be a positive number, got {self.epsilon!r}")
        if self.population < 1:
            raise InputError(f"population must be at least 1, got {self.population!r}")
        if not 0 < self.delta < 1 / self.population:
            raise InputError(
                f"delta must be in (0, 1/{self.population}), got {self.delta!r}; "
                f"leave it out for {default_delta(self.population):g}"
            )


def budget(epsilon: float, delta: float | None, population: int) -> Budget:
    """A checked budget, with the default delta where none is given."""
    return Budget(
        epsilon=epsilon,
        delta=default_delta(population) if delta is None else delta,
        population=population,
    )


def reported(epsilon: float) -> float:
    """Epsilon as reports show it: two decimals, rounded up, but for binary dust below 1e-11."""
    if math.isinf(epsilon):
        return epsilon
    return math.ceil(round(epsilon * 100, 9)) / 100
