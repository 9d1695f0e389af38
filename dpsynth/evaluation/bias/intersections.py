"""Subgroups of patients by two or three sensitive attributes at once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product
from math import prod

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.evaluation.bias.groups import Group
from dpsynth.evaluation.bias.support import PATIENTS

CELLS = 100  # intersections at most; sets of attributes beyond it are left out


@dataclass(frozen=True)
class Intersection:
    """Patients who belong to a group of each of some attributes.

    Attributes:
        parts: the groups, of one attribute each.
    """

    parts: tuple[Group, ...]

    @property
    def attribute(self) -> str:
        """The attributes, such as "sex x age"."""
        return " x ".join(part.attribute for part in self.parts)

    @property
    def name(self) -> str:
        """For the reader, such as "sex f, age 60 to 80"."""
        return ", ".join(part.name for part in self.parts)

    def members(self, tokens: Tokens, codec: Codec) -> np.ndarray:
        """(patients,) whether each belongs to all of the groups."""
        return np.logical_and.reduce([part.members(tokens, codec) for part in self.parts])


def intersections(
    found: dict[str, list[Group]], patients: int, *, most: int = CELLS
) -> tuple[dict[str, list[Intersection]], list[str]]:
    """Every pair and triple of attributes as groups, and those that were left out.

    Bias against few (older women, say) can be invisible in each attribute alone. Pairs come
    first, then triples, in the schema's order, each whole and while at most `most`
    intersections result. Triples are taken only where `support.PATIENTS` patients would be in
    each cell were they spread evenly: of smaller cells nothing can be said anyway.

    Args:
        found: groups of each attribute.
        patients: number of real holdout patients.
        most: intersections at most.

    Returns:
        The intersections by their attributes ("sex x age"); what was left out, named alike.

    Reference: Buolamwini, Gebru, Gender shades, FAccT 2018.
    """
    taken: dict[str, list[Intersection]] = {}
    left_out, cells = [], 0
    for names in (*combinations(found, 2), *combinations(found, 3)):
        more = prod(len(found[name]) for name in names)
        thin = len(names) > 2 and patients < PATIENTS * more
        if thin or cells + more > most:
            left_out.append(" x ".join(names))
            continue
        cells += more
        taken[" x ".join(names)] = [
            Intersection(parts) for parts in product(*(found[name] for name in names))
        ]
    return taken, left_out
