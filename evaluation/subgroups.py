"""Subgroups of test patients that protocols share."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

CUTS = (50, 65, 80)  # years


def by_age(age: np.ndarray, cuts: Sequence[int] = CUTS) -> dict[str, np.ndarray]:
    """Groups of ages cut at those years; whoever's age is missing is in none.

    Args:
        age: (patients,) years, NaN where missing.
        cuts: lowest age of each group but the first.
    """
    named = [f"age below {cuts[0]}"]
    named += [f"age {low} to {high - 1}" for low, high in itertools.pairwise(cuts)]
    named += [f"age {cuts[-1]} and over"]
    edges = zip([-math.inf, *cuts], [*cuts, math.inf], strict=True)
    return {
        name: (age >= low) & (age < high) for name, (low, high) in zip(named, edges, strict=True)
    }
