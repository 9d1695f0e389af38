"""What a column of a task's X is: of which schema column, how many visits back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dpsynth.data.codec import Codec

NOW = 0  # visits back of the sample's own visit


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One column of X.

    Attributes:
        column: name of the schema's column.
        levels: number of categories; 0 where codes are ordered numbers.
        back: visits back, 1 the latest before the label, 0 the sample's own; none: of the patient.
    """

    column: str
    levels: int
    back: int | None


def features_named(names: Sequence[str], codec: Codec) -> tuple[Feature, ...]:
    """What the columns of those names are, by the names that `task` gives."""
    known = {
        each.name: Feature(column=each.name, levels=len(each.categories), back=None)
        for each in codec.static
    }
    for each in codec.visit:
        for back in range(codec.max_visits + 1):
            name = f"{each.name} [-{back}]" if back else f"{each.name} [now]"
            known[name] = Feature(column=each.name, levels=len(each.categories), back=back)
    return tuple(
        known.get(name, Feature(column=name, levels=0, back=None)) for name in names
    )  # fmt: skip
