"""Curves over epsilon, on a logarithmic axis at whose end no noise stands apart."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from dpsynth.evaluation.figures import Dose, Doses
from dpsynth.evaluation.svg.parts import (
    CONTROL,
    INK,
    REAL,
    SOFT,
    Scale,
    box,
    drawing,
    polyline,
    stroke,
    words,
)

WIDE, HIGH, LEFT, TOP = 300, 210, 58, 12  # of the plot, and the room for its axes
APART = 40  # from the largest epsilon to no noise
ASIDE = 5  # between the intervals of two models at one epsilon
# Colour, dash and shape of each model's line; no two are alike in shape.
STYLES = (
    ("#1f5fae", "", "disc"),
    ("#a8530f", "7 3", "box"),
    ("#6b3fa0", "2 3", "triangle"),
    ("#2b3038", "9 3 2 3", "cross"),
)
LEVELS = {"real": (REAL, "6 3"), "chance": (CONTROL, "1 5"), "threshold": ("#9b1f18", "10 3 2 3")}

NAMES = {"real": "real patients"}


def doses(plot: Doses) -> Markup:
    """One plot with its legend below."""
    finite = sorted({e for line in plot.lines for e in line.epsilon if math.isfinite(e)})
    free = any(math.isinf(e) for line in plot.lines for e in line.epsilon)
    x, y = _across(finite, free), _up(plot)
    parts = _axes(plot, finite, free, x, y)
    below = TOP + HIGH + 48
    for place, (name, level) in enumerate(plot.marks):
        colour, dash = LEVELS[name]
        ends = [LEFT, LEFT + WIDE]
        parts.append(polyline(ends, [level, level], float, y, colour, dash, 1.5))
        parts += _legend(below + 17 * place, NAMES.get(name, name), colour, dash, "")
    below += 17 * len(plot.marks)
    for place, line in enumerate(plot.lines):
        colour, dash, shape = STYLES[place % len(STYLES)]
        aside = (place - (len(plot.lines) - 1) / 2) * ASIDE
        parts += _line(line, aside, (colour, dash, shape), x, y)
        parts += _legend(below + 17 * place, line.name, colour, dash, shape)
    height = below + 17 * len(plot.lines)
    return drawing(LEFT + WIDE + 16, height, parts, plot.title, _told(plot))


def _across(finite: Sequence[float], free: bool) -> Scale:
    """From epsilon to its place; one alone stands in the middle."""
    right = WIDE - 14 - (APART if free else 0)
    low, high = (math.log(finite[0]), math.log(finite[-1])) if finite else (0.0, 0.0)

    def place(epsilon: float) -> float:
        if math.isinf(epsilon):
            return LEFT + WIDE - 14
        share = (math.log(epsilon) - low) / (high - low) if high > low else 0.5
        return round(LEFT + 14 + share * (right - 14), 1)

    return place


def _up(plot: Doses) -> Scale:
    """From a value to its place: all intervals and levels fit."""
    low, high = _span(plot)

    def place(value: float) -> float:
        return round(TOP + HIGH * (1 - (value - low) / (high - low)), 1)

    return place


def _span(plot: Doses) -> tuple[float, float]:
    values = [v for line in plot.lines for part in (line.low, line.high) for v in part]
    values += [level for _, level in plot.marks]
    known = [v for v in values if math.isfinite(v)] or [0.0, 1.0]
    low, high = min(known), max(known)
    room = 0.06 * (high - low) or 0.01
    return low - room, high + room


def _axes(plot: Doses, finite: Sequence[float], free: bool, x: Scale, y: Scale) -> list[Markup]:
    parts = []
    low, high = _span(plot)
    for value in _ticks(low, high):
        parts.append(stroke(LEFT, y(value), LEFT + WIDE, y(value)))
        parts.append(words(LEFT - 6, y(value) + 3, f"{value:.4g}", "end", SOFT, 10))
    for epsilon in (*finite, *([math.inf] if free else [])):
        said = f"{epsilon:g}" if math.isfinite(epsilon) else "no noise"
        parts.append(stroke(x(epsilon), TOP + HIGH, x(epsilon), TOP + HIGH + 4, SOFT))
        parts.append(words(x(epsilon), TOP + HIGH + 16, said, "middle", SOFT, 10))
    parts.append(words(LEFT + WIDE / 2, TOP + HIGH + 32, "epsilon", "middle"))
    parts.append(
        Markup(
            '<text transform="translate(13,{}) rotate(-90)" text-anchor="middle" fill="{}">'
            "{}</text>"
        ).format(TOP + HIGH / 2, INK, plot.up)
    )
    return parts


def _ticks(low: float, high: float) -> list[float]:
    """Three to eight round values between the two."""
    rough = (high - low) / 5
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * each for each in (1, 2, 5, 10) if unit * each >= rough * 0.999)
    first = math.ceil(low / step)
    return [place * step for place in range(first, math.floor(high / step) + 1)]


def _line(
    line: Dose, aside: float, style: tuple[str, str, str], x: Scale, y: Scale
) -> list[Markup]:
    """Points with intervals, joined but for the way to no noise."""
    colour, dash, shape = style
    parts = []
    finite = [place for place, e in enumerate(line.epsilon) if math.isfinite(e)]
    parts.append(
        polyline(
            [line.epsilon[p] for p in finite],
            [line.y[p] for p in finite],
            lambda e: round(x(e) + aside, 1),
            y,
            colour,
            dash,
        )
    )
    for epsilon, value, low, high in zip(line.epsilon, line.y, line.low, line.high, strict=True):
        if math.isfinite(value):
            at = x(epsilon) + aside
            parts.append(stroke(at, y(low), at, y(high), colour, 1.5))
            parts.append(_shape(at, y(value), shape, colour))
    return parts


def _shape(x: float, y: float, shape: str, colour: str) -> Markup:
    """A mark that is known without its colour."""
    match shape:
        case "disc":
            return Markup('<circle cx="{}" cy="{}" r="4" fill="{}"/>').format(
                round(x, 1), round(y, 1), colour
            )
        case "box":
            return box(x - 3.5, y - 3.5, 7, 7, colour)
        case "triangle":
            return Markup('<path d="M{} {} l5 9 h-10 z" fill="{}"/>').format(
                round(x, 1), round(y - 5, 1), colour
            )
        case _:
            return Markup(
                '<path d="M{} {} l8 8 m0 -8 l-8 8" stroke="{}" stroke-width="2.5"/>'
            ).format(round(x - 4, 1), round(y - 4, 1), colour)


def _legend(at: float, name: str, colour: str, dash: str, shape: str) -> list[Markup]:
    line = Markup(
        '<path d="M{} {} h34" fill="none" stroke="{}" stroke-width="2" stroke-dasharray="{}"/>'
    ).format(LEFT, at, colour, dash)
    mark = [_shape(LEFT + 17, at, shape, colour)] if shape else []
    return [line, *mark, words(LEFT + 42, at + 4, name)]


def _told(plot: Doses) -> str:
    """Every point in words."""
    said = [f"{NAMES.get(name, name)}: {level:.3g}" for name, level in plot.marks]
    for line in plot.lines:
        points = ", ".join(
            f"{value:.3g} ({low:.3g} to {high:.3g}) "
            + (f"at {epsilon:g}" if math.isfinite(epsilon) else "without noise")
            for epsilon, value, low, high in zip(
                line.epsilon, line.y, line.low, line.high, strict=True
            )
            if math.isfinite(value)
        )
        said.append(f"{line.name}: {points or 'not assessable'}")
    return f"{plot.up} against epsilon. " + "; ".join(said)
