"""What `--assume-public` reads from values, each fact recorded by its place in the schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from dpsynth.data import raw
from dpsynth.data.cells import MISSING_WORDS, distinct, floats, keys, plain
from dpsynth.data.rows import together
from dpsynth.data.sketch import Facts, Sketch
from dpsynth.data.times import since, times
from dpsynth.schema import Clock

MOST_CATEGORIES = 100
FEW = 10  # whole numbers with so few values are codes
MOST_CODES = 200


def assume(sketches: Sequence[Sketch], files: Mapping[str, Sequence[Path]]) -> dict[str, Any]:
    """Fill the sketches' blanks from values. Not private.

    Returns:
        Facts of the whole data set: population, max_visits, and every place that was filled
        as `assumed_public`.
    """
    places: list[str] = []
    patients: set[str] = set()
    most = 0
    for each in sketches:
        parts = [raw.load(p, list(raw.header(p).types))[0] for p in files[each.name]]
        frame = together(parts, each.name)
        prefix = f"tables.{each.name}"
        if each.shape == "events":
            _codes(each, frame, prefix, places)
        for name, facts in each.columns.items():
            if name in frame.column_names and not facts.get("identifier"):
                _column(facts, frame.column(name), f"{prefix}.columns.{name}", places)
        if each.key:
            index, names = keys(frame.column(each.key))
            patients |= {names[place] or "" for place in np.unique(index)}
            if each.shape != "static" and len(index):
                most = max(most, int(np.bincount(index[index >= 0]).max(initial=0)))
                _clock(each, frame, index, f"{prefix}.time", places)
    known: dict[str, Any] = {}
    if patients:
        known["population"] = len(patients)
        places.append("population")
    if most and all(each.shape != "events" for each in sketches):
        known["max_visits"] = most
        places.append("max_visits")
    return {**known, "assumed_public": places}


def _column(facts: Facts, column: pa.ChunkedArray, place: str, places: list[str]) -> None:
    index, values = distinct(column)
    seen = {plain(values[i]) for i in np.unique(index) if i >= 0}
    seen = {each for each in seen if each.lower() not in MISSING_WORDS}
    numbers = floats(column)
    numbers = np.unique(numbers[~np.isnan(numbers)])
    if "type" not in facts:
        facts["type"] = _type(seen, numbers)
        places.append(f"{place}.type")
    if facts["type"] in ("number", "count") and "bounds" not in facts and len(numbers):
        low, high = float(numbers[0]), float(numbers[-1])
        facts["bounds"] = [low, high if high > low else low + 1]
        places.append(f"{place}.bounds")
    listed = 0 < len(seen) <= MOST_CATEGORIES
    if facts["type"] == "category" and "categories" not in facts and listed:
        facts["categories"] = sorted(seen)
        places.append(f"{place}.categories")


def _type(seen: set[str], numbers: np.ndarray) -> str:
    if len(numbers) < len(seen) or not len(numbers):
        return "category"
    if len(numbers) <= FEW and (numbers == np.rint(numbers)).all():
        return "boolean" if set(numbers) <= {0.0, 1.0} else "category"
    return "count" if (numbers == np.rint(numbers)).all() else "number"


def _codes(each: Sketch, frame: pa.Table, prefix: str, places: list[str]) -> None:
    """Most frequent codes, with bounds of their numbers."""
    index, names = distinct(frame.column(each.code))
    values = floats(frame.column(each.number))
    often = pd.Series(index[index >= 0]).value_counts()
    for code in sorted(often.index[:MOST_CODES], key=lambda place: plain(names[place])):
        mine = values[index == code]
        mine = mine[~np.isnan(mine)]
        name = plain(names[code])
        facts: Facts = {"type": "count", "value": "count", "bounds": [0, 100]}
        if len(mine):
            low, high = float(mine.min()), float(mine.max())
            facts = {"type": "number", "bounds": [low, high if high > low else low + 1]}
        each.columns[name] = facts
        places.append(f"{prefix}.columns.{name}")


def _clock(each: Sketch, frame: pa.Table, index: np.ndarray, place: str, places: list[str]) -> None:
    """Kind of the clock, and the longest gap between a patient's visits."""
    column = frame.column(each.time)
    if "kind" not in each.clock:
        numbers = floats(column)
        each.clock["kind"] = "number" if (~np.isnan(numbers)).mean() > 0.5 else "date"
        places.append(f"{place}.kind")
    if each.shape != "visits" or each.clock["kind"] == "order":
        return
    clock = Clock(
        column=each.time or "", kind=each.clock["kind"], unit=each.clock.get("unit", "days")
    )
    time = times(column, clock, place)
    if clock.kind == "date":
        time = since(time, np.zeros(len(time)), clock)
    order = np.lexsort((time, index))
    gaps = np.diff(time[order])[np.diff(index[order]) == 0]
    longest = float(np.nanmax(gaps, initial=0.0))
    each.clock["gap"] = {"type": "number", "bounds": [0, longest or 1.0]}
    places.append(f"{place}.gap.bounds")
