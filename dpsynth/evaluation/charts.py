"""What the report draws: histograms, transitions and a few synthetic patients."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dpsynth.data.codec import GAP, START, Codec, Tokens
from dpsynth.data.field import MISSING, Field
from dpsynth.data.records import Records
from dpsynth.evaluation.fidelity.tables import (
    Table,
    distributions,
    is_grid,
    lengths,
    one_way,
    transitions,
    variables,
)
from dpsynth.evaluation.labels import span, text

BARS = 17  # bars of a chart at most: the default 16 bins and missing
CELLS = 8  # rows of a transition chart at most
HEATS = 3  # transition charts
PATIENTS = 3  # synthetic patients printed
VISITS = 6  # visits of each
COLUMNS = 8  # columns of each
CLOCK = {GAP: "time since the visit before", START: "time of the first visit"}


@dataclass(frozen=True)
class Bars:
    """Shares of patients per label, pooled over visits.

    Attributes:
        name: the column.
        unit: of its values, or empty.
        labels: of the bars.
        real, synthetic: shares per label; real is empty where the copy is shown alone.
        distance: total variation before labels were put together.
    """

    name: str
    unit: str
    labels: tuple[str, ...]
    real: tuple[float, ...]
    synthetic: tuple[float, ...]
    distance: float


@dataclass(frozen=True)
class Heat:
    """Shares of the next visit's label among those with a label now.

    Attributes:
        name: the column.
        labels: of rows (now) and columns (next).
        real, synthetic: conditional shares; a row nobody is in is all zero. Real is empty where
            the copy is shown alone.
        distance: total variation of the joint table, before labels were put together.
    """

    name: str
    labels: tuple[str, ...]
    real: tuple[tuple[float, ...], ...]
    synthetic: tuple[tuple[float, ...], ...]
    distance: float


@dataclass(frozen=True)
class Sample:
    """One synthetic patient as text.

    Attributes:
        facts: (name, value) of static columns.
        header: names of visit columns, time first.
        visits: rows of values.
        more: visits that are not shown.
    """

    facts: tuple[tuple[str, str], ...]
    header: tuple[str, ...]
    visits: tuple[tuple[str, ...], ...]
    more: int


def shares(table: Table, patients: int) -> np.ndarray:
    """(cells,) shares of one table."""
    everyone = np.ones((patients, 1), dtype=np.float32)
    return distributions(table, everyone, table.cell, table.cells)[:, 0].astype(float)


def column_bars(real: Tokens | None, synthetic: Tokens, codec: Codec) -> tuple[Bars, ...]:
    """A histogram of every column, furthest first; of the copy alone in the codec's order."""
    fields = (*codec.static, *codec.visit)
    found = []
    sides = (synthetic if real is None else real, synthetic)
    pairs = zip(*(variables(each, codec, False) for each in sides), strict=True)
    for field, (a, b) in zip(fields, pairs, strict=True):
        p, q = (shares(one_way(each), len(side)) for each, side in zip((a, b), sides, strict=True))
        parts = merged(field, p, BARS)
        found.append(
            Bars(
                CLOCK.get(field.name, field.name),
                field.column.unit or "",
                tuple(label for label, _ in parts),
                () if real is None else tuple(float(p[codes].sum()) for _, codes in parts),
                tuple(float(q[codes].sum()) for _, codes in parts),
                float(np.abs(p - q).sum() / 2),
            )
        )
    return tuple(sorted(found, key=lambda bars: -bars.distance))


def merged(field: Field, p: np.ndarray, most: int) -> list[tuple[str, list[int]]]:
    """At most `most` labels with their codes: neighbours of a number, the rest of a category."""
    labels, values = field.labels, field.size
    missing: list[tuple[str, list[int]]] = []
    if labels and labels[-1] == MISSING:
        values -= 1
        missing = [("missing", [values])]
    room = most - len(missing)
    if not field.categories:
        return _neighbours(field, values, room) + missing
    if values > room:
        often = np.argsort(-p[:values], kind="stable")[: room - 1]
        kept = sorted(int(code) for code in often)
        rest = [code for code in range(values) if code not in set(kept)]
        return [(labels[code], [code]) for code in kept] + [("all others", rest)] + missing
    return [(labels[code], [code]) for code in range(values)] + missing


def _neighbours(field: Field, values: int, room: int) -> list[tuple[str, list[int]]]:
    """Atoms on their own, and as many bins together as it takes, the same number each."""
    atoms = len(field.column.atoms)
    parts = [(field.labels[code], [code]) for code in range(atoms)]
    step = math.ceil((values - atoms) / max(room - atoms, 1))
    for start in range(atoms, values, step):
        codes = range(start, min(start + step, values))
        parts.append((span(field, codes[0] - atoms, codes[-1] - atoms), list(codes)))
    return parts


def transition_heats(real: Tokens | None, synthetic: Tokens, codec: Codec) -> tuple[Heat, ...]:
    """Visit columns whose transitions are furthest from real ones; of the copy alone the first."""
    found = []
    base = synthetic if real is None else real
    tables = zip(transitions(base, codec), transitions(synthetic, codec), strict=True)
    for field, (a, b) in zip(codec.visit, tables, strict=True):
        if field.size > 200 or not len(a.cell):
            continue
        shape = (field.size, field.size)
        p = shares(a, len(base)).reshape(shape)
        q = shares(b, len(synthetic)).reshape(shape)
        parts = merged(field, p.sum(axis=1), CELLS)
        found.append(
            Heat(
                CLOCK.get(field.name, field.name),
                tuple(label for label, _ in parts),
                () if real is None else _conditional(p, parts),
                _conditional(q, parts),
                float(np.abs(p - q).sum() / 2),
            )
        )
    return tuple(sorted(found, key=lambda heat: -heat.distance)[:HEATS])


def _conditional(
    joint: np.ndarray, parts: list[tuple[str, list[int]]]
) -> tuple[tuple[float, ...], ...]:
    table = np.array([[joint[np.ix_(a, b)].sum() for _, b in parts] for _, a in parts])
    table = table / np.maximum(table.sum(axis=1, keepdims=True), 1e-12)
    return tuple(tuple(float(each) for each in line) for line in table)


def visit_bars(real: Tokens | None, synthetic: Tokens, codec: Codec) -> Bars | None:
    """Histogram of the number of visits, or none where it is fixed."""
    base = synthetic if real is None else real
    if codec.max_visits < 1 or is_grid(base, codec):
        return None
    p = shares(lengths(base, codec), len(base))
    q = shares(lengths(synthetic, codec), len(synthetic))
    ends = np.unique(np.linspace(0, len(p), min(len(p), BARS + 1) + 1).astype(int))
    spans = list(pairwise(ends.tolist()))
    return Bars(
        "number of visits",
        "",
        tuple(f"{a}" if b == a + 1 else f"{a} to {b - 1}" for a, b in spans),
        () if real is None else tuple(float(p[a:b].sum()) for a, b in spans),
        tuple(float(q[a:b].sum()) for a, b in spans),
        float(np.abs(p - q).sum() / 2),
    )


def sample_patients(synthetic: Records) -> tuple[Sample, ...]:
    """The first synthetic patients, those with visits before those without."""
    counts = np.zeros(len(synthetic), dtype=int)
    if len(synthetic.visits):
        counts = np.bincount(synthetic.visits["patient"], minlength=len(synthetic))
    chosen = np.argsort(counts == 0, kind="stable")[:PATIENTS]
    return tuple(_sample(synthetic, int(patient), int(counts[patient])) for patient in chosen)


def _sample(records: Records, patient: int, visits: int) -> Sample:
    static = records.static.iloc[patient]
    facts = tuple((str(name), text(value)) for name, value in static.items())
    if not visits:
        return Sample(facts, (), (), 0)
    frame = records.visits[records.visits["patient"] == patient].drop(columns="patient")
    frame = frame.iloc[:VISITS, : COLUMNS + 1]
    rows = tuple(tuple(text(value) for value in line) for line in frame.itertuples(index=False))
    return Sample(facts, tuple(str(name) for name in frame.columns), rows, visits - len(rows))
