"""Groups of a column's values as a user names them: a category, or a range of a number."""

from __future__ import annotations

import math

from dpsynth.data.field import ANY, MISSING, Field
from dpsynth.errors import InputError

SPAN = ".."  # between the ends of a range of numbers


def codes_of(field: Field, group: str) -> list[int]:
    """Which codes a group has: a category, or a range LOW..HIGH of a number.

    Raises:
        InputError: if the field has no such group.
    """
    known = field.labels if field.categories else [MISSING] * field.column.missing
    if group in known:
        return [field.labels.index(group)]
    if SPAN not in group or field.categories:
        what = ", ".join(known) if field.categories else "ranges between edges of its bins"
        raise InputError(f"the groups of {field.name!r} are {what}; got {group!r}")
    low, high = _ends(group)
    if not low < high or {low, high} - {*field.edges, *ANY}:
        edges = ", ".join(f"{edge:g}" for edge in field.edges)
        raise InputError(
            f"a range LOW..HIGH of {field.name!r} ends at edges of the column's bins ({edges}), "
            f"got {group!r}; add the edge to its bins in the schema"
        )
    high = math.inf if high == field.edges[-1] else high  # the last bin is closed
    values = [*field.column.atoms, *field.edges[:-1]]
    return [code for code, value in enumerate(values) if low <= value < high]


def _ends(group: str) -> tuple[float, float]:
    """Low and high; not numbers where the text holds none."""
    low, high = (text.strip() for text in group.split(SPAN, 1))
    try:
        return float(low or ANY[0]), float(high or ANY[1])
    except ValueError:
        return math.nan, math.nan
