"""Subgroups of patients by two sensitive attributes at once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.evaluation.bias.groups import Group

CELLS = 100  # intersections at most; pairs of attributes beyond it are left out


@dataclass(frozen=True)
class Intersection:
    """Patients who belong to a group of each of two attributes.

    Attributes:
        first, second: the groups.
    """

    first: Group
    second: Group

    @property
    def attribute(self) -> str:
        """The pair of attributes, such as "sex x age"."""
        return f"{self.first.attribute} x {self.second.attribute}"

    @property
    def name(self) -> str:
        """For the reader, such as "sex f, age 60 to 80"."""
        return f"{self.first.name}, {self.second.name}"

    def members(self, tokens: Tokens, codec: Codec) -> np.ndarray:
        """(patients,) whether each belongs to both groups."""
        return self.first.members(tokens, codec) & self.second.members(tokens, codec)


def intersections(
    found: dict[str, list[Group]], *, most: int = CELLS
) -> tuple[dict[str, list[Intersection]], list[str]]:
    """Every pair of attributes as groups, and the pairs that were left out.

    Bias against few (older women, say) can be invisible in each attribute alone. Whole pairs
    are taken in the schema's order while at most `most` intersections result, so that which
    ones are left out does not depend on the patients.

    Args:
        found: groups of each attribute.
        most: intersections at most.

    Reference: Buolamwini, Gebru, Gender shades, FAccT 2018.
    """
    pairs: dict[str, list[Intersection]] = {}
    left_out, cells = [], 0
    for a, b in combinations(found, 2):
        crossed = [Intersection(first, second) for first in found[a] for second in found[b]]
        if cells + len(crossed) > most:
            left_out.append(f"{a} x {b}")
            continue
        cells += len(crossed)
        pairs[f"{a} x {b}"] = crossed
    return pairs, left_out
