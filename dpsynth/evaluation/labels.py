"""Numbers and cells as people read them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from dpsynth.data.field import Field
from dpsynth.schema import Kind


def rounded(value: float) -> str:
    """A measured value: three decimals below 10, whole from 100."""
    if not math.isfinite(value):
        return "not assessable"
    if value != 0 and abs(value) < 0.0005:
        return "<0.001" if value > 0 else ">-0.001"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def bound(value: float) -> str:
    """What a value may be at most, with four decimals, never rounded down."""
    return f"{math.ceil(round(value * 10_000, 6)) / 10_000:.4f}"


def edge(value: float) -> str:
    """A bin's edge: four digits below 1,000, whole above."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def span(field: Field, first: int, last: int) -> str:
    """The values of a number's bins `first` to `last`; a count's are whole and inclusive."""
    low, high = field.edges[first], field.edges[last + 1]
    if field.column.type is Kind.COUNT:
        low, closed = math.ceil(low), last + 2 == len(field.edges)
        high = math.floor(high) if closed else math.ceil(high) - 1
        if high <= low:
            return edge(low)
    return f"{edge(low)} to {edge(high)}"


def text(value: object) -> str:
    """A cell of a table."""
    if value is None or value is pd.NA:
        return "–"
    if not isinstance(value, float | np.floating):
        return str(value)
    number = float(value)
    if not math.isfinite(number):
        return "–"
    return f"{number:,.0f}" if abs(number) >= 1000 or number.is_integer() else f"{number:.3g}"


def flattened(facts: Mapping[str, Any], prefix: str = "") -> Sequence[tuple[str, Any]]:
    """Nested facts as dotted names and plain values; lists as text."""
    found: list[tuple[str, Any]] = []
    for key, value in facts.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            found += flattened(value, f"{name}.")
        elif isinstance(value, list | tuple):
            found.append((name, ", ".join(map(str, value))))
        else:
            found.append((name, value))
    return found
