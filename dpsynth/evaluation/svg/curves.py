"""Curves over a pair of axes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from dpsynth.evaluation.figures import Line, Plot
from dpsynth.evaluation.svg.parts import (
    COLOURS,
    INK,
    SOFT,
    Scale,
    drawing,
    mark,
    polyline,
    stroke,
    words,
)

SIDE, LEFT, TOP = 300, 62, 12  # of a plot's square, and the room for its axes
DASHES = {"copy": ("", "12 3 2 3"), "real": ("6 3",), "control": ("1 5",)}
BOUND = "#9b1f18"


def curves(plot: Plot, bound: Line | None = None) -> Markup:
    """One plot with its legend below.

    Args:
        plot: what is drawn.
        bound: what no attacker can be above, if there is a claim.
    """
    least = min([line.x[0] for line in plot.lines], default=0.01) if plot.log else 0.0
    floor = 10.0 ** math.floor(math.log10(least) + 1e-9) if plot.log else 0.0

    def along(value: float) -> float:
        if not plot.log:
            return value
        return 1 - math.log10(max(value, floor)) / math.log10(floor)

    def x(value: float) -> float:
        return round(LEFT + along(value) * SIDE, 1)

    def y(value: float) -> float:
        return round(TOP + (1 - along(value)) * SIDE, 1)

    ticks = _decades(floor) if plot.log else [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    parts = [*_axes(plot, ticks, x, y)]
    styles = _styles(plot.lines)
    for line, dash in zip(plot.lines, styles, strict=True):
        parts += _curve(line, dash, x, y)
    legend: list[tuple[str, str, str, str]] = [
        (line.name, COLOURS[line.role], dash, line.role if line.n else "")
        for line, dash in zip(plot.lines, styles, strict=True)
    ]
    if bound is not None:
        parts.append(polyline(bound.x, bound.y, x, y, BOUND, "10 3 2 3", 2.5))
        legend.append((bound.name, BOUND, "10 3 2 3", ""))
    below = TOP + SIDE + 48
    for place, (name, colour, dash, role) in enumerate(legend):
        at = below + 17 * place
        parts.append(
            Markup(
                '<path d="M{} {} h34" fill="none" stroke="{}" stroke-width="2.5" '
                'stroke-dasharray="{}"/>'
            ).format(LEFT, at, colour, dash)
        )
        parts += [mark(LEFT + 17, at, role, 4)] if role else []
        parts.append(words(LEFT + 42, at + 4, name))
    lines = [*plot.lines, *([bound] if bound is not None else [])]
    return drawing(
        LEFT + SIDE + 16, below + 17 * len(legend), parts, plot.title, _told(plot, lines)
    )


def _styles(lines: Sequence[Line]) -> list[str]:
    """A dash for each line; two of one role differ."""
    seen: dict[str, int] = {}
    found = []
    for line in lines:
        turn = seen.get(line.role, 0)
        found.append(DASHES[line.role][turn % len(DASHES[line.role])])
        seen[line.role] = turn + 1
    return found


def _decades(floor: float) -> list[float]:
    return [10.0**k for k in range(round(math.log10(floor)), 1)]


def _axes(plot: Plot, ticks: list[float], x: Scale, y: Scale) -> list[Markup]:
    parts = []
    for tick in ticks:
        parts.append(stroke(x(tick), TOP, x(tick), TOP + SIDE))
        parts.append(stroke(LEFT, y(tick), LEFT + SIDE, y(tick)))
        said = f"{100 * tick:g} %" if plot.log else f"{tick:.1f}"
        parts.append(words(x(tick), TOP + SIDE + 15, said, "middle", SOFT, 10))
        parts.append(words(LEFT - 6, y(tick) + 3, said, "end", SOFT, 10))
    parts.append(words(LEFT + SIDE / 2, TOP + SIDE + 31, plot.across, "middle"))
    parts.append(
        Markup(
            '<text transform="translate(13,{}) rotate(-90)" text-anchor="middle" fill="{}">'
            "{}</text>"
        ).format(TOP + SIDE / 2, INK, plot.up)
    )
    return parts


def _curve(line: Line, dash: str, x: Scale, y: Scale) -> list[Markup]:
    colour = COLOURS[line.role]
    parts = [
        stroke(x(at), y(low), x(at), y(high), colour, 1.5)
        for at, low, high in zip(line.x, line.low, line.high, strict=False)
    ]
    parts.append(polyline(line.x, line.y, x, y, colour, dash, 2))
    if line.n:
        parts += [mark(x(a), y(b), line.role, 4) for a, b in zip(line.x, line.y, strict=True)]
    return parts


def _told(plot: Plot, lines: Sequence[Line]) -> str:
    """Some points of each line in words."""
    said = []
    for line in lines:
        if len(line.x) < 3:
            continue
        places = range(0, len(line.x), max(len(line.x) // 6, 1))
        points = ", ".join(f"{line.y[p]:.3g} at {line.x[p]:.3g}" for p in places)
        said.append(f"{line.name}: {points}")
    return f"{plot.up} against {plot.across}. " + "; ".join(said)
