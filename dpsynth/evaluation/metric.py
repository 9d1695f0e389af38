"""What a metric is to the reader: its title, its direction, and what it is held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

Measure = TypeVar("Measure")
Better = Literal["lower", "higher", "match"]


@dataclass(frozen=True, kw_only=True)
class Metric(Generic[Measure]):
    """One line of a family's table.

    Attributes:
        measure: the pure function that returns an Estimate.
        title: the metric in plain words.
        scale: what the ends of the scale mean.
        better: which direction is better; "match" means as the real value.
        real: the name of the reference that the copy should reach.
        control: the name of the reference that the copy should leave behind.
    """

    measure: Measure
    title: str
    scale: str
    better: Better
    real: str
    control: str
