"""Patients over their visits, in small panels of one scale."""

from __future__ import annotations

import math

from markupsafe import Markup

from dpsynth.evaluation.figures import Path, Trajectories
from dpsynth.evaluation.labels import edge
from dpsynth.evaluation.svg.parts import (
    COPY,
    FAINT,
    REAL,
    SOFT,
    drawing,
    mark,
    polyline,
    short,
    words,
)

PANEL, LOW, GAP = 150, 84, 14  # width, height and distance of small panels
Row = tuple[tuple[Path, ...], str, str, str]  # patients, whose they are, colour and dash


def trajectories(made: Trajectories) -> Markup:
    """A row of panels of real patients, if there are any, above one of synthetic ones."""
    rows = [each for each in _sides(made) if each[0]]
    every = [path for paths, *_ in rows for path in paths]
    values = [v for path in every for v in path.value if math.isfinite(v)] or [0.0, 1.0]
    low, high = min(values), max(values)
    low, high = (low, high) if high > low else (low - 1, high + 1)
    until = max([t for path in every for t in path.time], default=1.0) or 1.0
    across = max((len(paths) for paths, *_ in rows), default=0)
    left, parts = 60, []
    for row, (paths, name, colour, dash) in enumerate(rows):
        top = 20 + row * (LOW + 40)
        parts.append(words(left, top - 6, name, "start", colour))
        for place, path in enumerate(paths):
            start = left + place * (PANEL + GAP)
            parts += _panel(path, start, top, (low, high, until), colour, dash)
        for value, at in ((high, top + 9), (low, top + LOW)):
            parts.append(words(left - 6, at, edge(value), "end", SOFT, 10))
        parts.append(words(left, top + LOW + 13, "0", "start", SOFT, 10))
        end = left + across * (PANEL + GAP) - GAP
        parts.append(words(end, top + LOW + 13, f"{edge(until)} {made.across}", "end", SOFT, 10))
    title = f"{made.name} of a few patients over their visits"
    size = left + max(across, 1) * (PANEL + GAP), 20 + len(rows) * (LOW + 40) - 18
    return drawing(*size, parts, title, _paths_told(made))


def _sides(made: Trajectories) -> tuple[Row, Row]:
    return (
        (made.real, "real holdout patients", REAL, "4 2"),
        (made.synthetic, "synthetic patients", COPY, ""),
    )


def _panel(
    path: Path, left: float, top: float, ends: tuple[float, float, float], colour: str, dash: str
) -> list[Markup]:
    low, high, until = ends

    def x(time: float) -> float:
        return round(left + 5 + time / until * (PANEL - 10), 1)

    def y(value: float) -> float:
        return round(top + 5 + (high - value) / (high - low) * (LOW - 10), 1)

    frame = Markup('<rect x="{}" y="{}" width="{}" height="{}" fill="none" stroke="{}"/>').format(
        left, top, PANEL, LOW, FAINT
    )
    parts = [frame, polyline(path.time, path.value, x, y, colour, dash, 1.5)]
    role = "real" if colour == REAL else "copy"
    for time, value in zip(path.time, path.value, strict=True):
        if math.isfinite(value):
            parts.append(mark(x(time), y(value), role, 2.5))
    return parts


def _paths_told(made: Trajectories) -> str:
    said = []
    for paths, name, *_ in _sides(made):
        for place, path in enumerate(paths):
            known = [f"{v:.4g}" for v in path.value if math.isfinite(v)]
            said.append(f"{name} {place + 1}: {', '.join(known) or 'all missing'}")
    return short("; ".join(said), 1500)
