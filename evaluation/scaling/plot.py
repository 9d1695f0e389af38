"""The points and their power laws on logarithmic axes, as an SVG file."""

from __future__ import annotations

import math
from collections.abc import Mapping

from fit import power_law

WIDTH, HEIGHT, LEFT, ROOM = 330, 280, 60, 40
COLOURS = ("#1f5fae", "#2f7d5b", "#b3541e", "#7a4fa3")

Points = Mapping[str, list[tuple[float, float]]]  # name: (size, cost)


class Axis:
    """A logarithmic axis that holds some values.

    Args:
        values: to be held; positive.
        begin, end: where the axis lies, px.
    """

    def __init__(self, values: list[float], begin: float, end: float) -> None:
        self.low = math.floor(math.log10(min(values)))
        self.high = max(math.ceil(math.log10(max(values))), self.low + 1)
        self.begin, self.end = begin, end

    def at(self, value: float) -> float:
        """Where a value lies, px."""
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return round(self.begin + share * (self.end - self.begin), 1)

    @property
    def ticks(self) -> list[float]:
        """Powers of ten."""
        return [10.0**power for power in range(self.low, self.high + 1)]


def picture(panels: Mapping[str, Points]) -> str:
    """Panels side by side, each with its points, their laws and a legend with the exponents."""
    parts = []
    for place, (title, points) in enumerate(panels.items()):
        parts.append(f'<g transform="translate({place * WIDTH},0)">{_panel(title, points)}</g>')
    wide = WIDTH * len(panels)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {HEIGHT}" '
        f'width="{wide}" height="{HEIGHT}" font-family="sans-serif" font-size="11">'
        f'<rect width="{wide}" height="{HEIGHT}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def _panel(title: str, points: Points) -> str:
    every = [each for series in points.values() for each in series]
    x = Axis([size for size, _ in every], LEFT, WIDTH - 15)
    y = Axis([cost for _, cost in every], HEIGHT - ROOM, 30)
    parts = [_text(LEFT, 18, title)]
    for tick in x.ticks:
        parts.append(_line(x.at(tick), 30, x.at(tick), HEIGHT - ROOM))
        parts.append(_text(x.at(tick), HEIGHT - ROOM + 15, f"{tick:,.0f}", "middle"))
    for tick in y.ticks:
        parts.append(_line(LEFT, y.at(tick), WIDTH - 15, y.at(tick)))
        parts.append(_text(LEFT - 5, y.at(tick) + 4, f"{tick:g}", "end"))
    parts.append(_text((LEFT + WIDTH) / 2, HEIGHT - 8, "patients", "middle"))
    for turn, (name, series) in enumerate(points.items()):
        colour = COLOURS[turn % len(COLOURS)]
        parts += [
            f'<circle cx="{x.at(size)}" cy="{y.at(cost)}" r="3.5" fill="{colour}"/>'
            for size, cost in series
        ]
        law = power_law(*([each[axis] for each in series] for axis in (0, 1)))
        ends = [min(series)[0], max(series)[0]]
        (x1, y1), (x2, y2) = ((x.at(size), y.at(law.at(size))) for size in ends)
        parts.append(_line(x1, y1, x2, y2, colour))
        parts.append(_text(LEFT + 8, 44 + 14 * turn, f"{name}: {law.exponent:.2f}", colour=colour))
    return "".join(parts)


def _line(x1: float, y1: float, x2: float, y2: float, colour: str = "#e2e5ea") -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}"/>'


def _text(x: float, y: float, text: str, anchor: str = "start", colour: str = "#2b3038") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}">{text}</text>'
