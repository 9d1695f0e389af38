"""A few patients over their visits, real ones and synthetic ones."""

from __future__ import annotations

import numpy as np

from dpsynth.data.records import Records
from dpsynth.evaluation.figures import Path, Trajectories
from dpsynth.schema import Kind, Schema

COLUMNS = 3  # drawn, the schema's first
PATIENTS = 4  # of each side
VISITS = 60  # of each, at most


def trajectories(
    real: Records | None, synthetic: Records, schema: Schema, rng: np.random.Generator
) -> tuple[Trajectories, ...]:
    """The first columns of numbers that visits have, for patients drawn at random.

    Nothing is chosen by its values, so that the few stand for the many; only whoever has one
    visit is passed over. These are real patients' own values: a page that shows them is internal.

    Args:
        real: real holdout patients; none for the copy alone.
        synthetic: the copy.
        schema: public facts.
        rng: draws the patients.
    """
    numbers = {Kind.NUMBER, Kind.COUNT}
    named = [n for n, column in schema.columns("visit").items() if column.type in numbers]
    sides = [each for each in (synthetic, real) if each is not None]
    named = [name for name in named if all(name in each.visits for each in sides)][:COLUMNS]
    if not named or not any(len(each.visits) for each in sides):
        return ()
    who = [_drawn(each, rng) for each in sides]
    return tuple(
        Trajectories(
            name=name,
            unit=schema.columns("visit")[name].unit or "",
            across=_across(schema),
            synthetic=tuple(_path(synthetic, int(each), name) for each in who[0]),
            real=() if real is None else tuple(_path(real, int(each), name) for each in who[1]),
        )
        for name in named
    )


def _drawn(records: Records, rng: np.random.Generator) -> np.ndarray:
    """Patients with two visits, at random."""
    counts = np.zeros(len(records), dtype=np.int64)
    if len(records.visits):
        who = records.visits["patient"].to_numpy(dtype=np.int64)
        counts = np.bincount(who, minlength=len(records))
    able = np.flatnonzero(counts >= 2)
    return rng.choice(able, min(PATIENTS, len(able)), replace=False)


def _across(schema: Schema) -> str:
    clock = schema.clock
    if clock is None or clock.kind == "order":
        return "visit"
    every = any(table.every for table in schema.tables.values())
    return "window" if every else f"{clock.unit} since the first visit"


def _path(records: Records, patient: int, name: str) -> Path:
    own = records.visits[records.visits["patient"] == patient].iloc[:VISITS]
    time = own["time"].to_numpy(dtype=np.float64)
    return Path(
        time=tuple(float(each) for each in time - time[:1].sum()),
        value=tuple(float(each) for each in own[name].to_numpy(dtype=np.float64)),
    )
