"""Tables of numbers as maps of colours, the number in each cell."""

from __future__ import annotations

import math
from typing import Literal

from markupsafe import Markup

from dpsynth.evaluation.charts import Heat
from dpsynth.evaluation.figures import Correlations
from dpsynth.evaluation.svg.parts import INK, SOFT, drawing, percent, short, words

DEEP_REAL, DEEP_COPY = "#1d5c40", "#143f75"
MORE, LESS = "#1f5fae", "#a34a12"  # of a difference; told apart also by its sign
PALE = 0.7  # share of the full colour from which white letters are easier to read
STRONG = 0.5  # difference of correlations that is drawn in full colour


def heat(map_: Heat, side: Literal["real", "synthetic"]) -> Markup:
    """One square table of conditional shares, rows now and columns next."""
    table, colour = (map_.real, DEEP_REAL) if side == "real" else (map_.synthetic, DEEP_COPY)
    cell, left, top = 38, 122, 84
    parts = _labels(map_.labels, cell, left, top, 18)
    for row, shares in enumerate(table):
        for column, share in enumerate(shares):
            at = left + column * cell, top + row * cell
            said = percent(share) if any(shares) else "–"  # nobody is in that row
            parts += _cell(*at, cell, colour, 0.04 + 0.9 * share, said)
    size, whose = cell * len(map_.labels), "real patients" if side == "real" else "the copy"
    told = "; ".join(
        f"from {now}: "
        + ", ".join(f"{percent(s)} to {to}" for s, to in zip(line, map_.labels, strict=True) if s)
        for now, line in zip(map_.labels, table, strict=True)
        if any(line)
    )
    title = f"Transitions of {map_.name} of {whose}"
    return drawing(left + size + 60, top + size + 4, parts, title, told)


def correlation(made: Correlations) -> Markup:
    """The copy's correlations less real ones, or the copy's own; the lower triangle."""
    apart, cell, left, top = bool(made.real), 40, 170, 10
    parts, told = [], []
    for row, label in enumerate(made.labels):
        y = top + row * cell
        parts.append(words(left - 8, y + 24, short(label, 26), "end"))
        for column in range(row):
            value = made.synthetic[row][column] - (made.real[row][column] if apart else 0.0)
            if not math.isfinite(value):
                parts += _cell(left + column * cell, y, cell, "#ffffff", 0, "–")
                continue
            share = min(abs(value) / (STRONG if apart else 1.0), 1.0)
            colour = MORE if value >= 0 else LESS
            said = f"{value:+.2f}".replace("-", "−").replace("+0.00", "0").replace("−0.00", "0")
            parts += _cell(left + column * cell, y, cell, colour, 0.04 + 0.9 * share, said)
            told.append((abs(value), f"{label} and {made.labels[column]} {said}"))
        parts.append(words(left + row * cell + 6, y + 24, short(label, 30), colour=SOFT))
    size = cell * len(made.labels)
    title = "Correlations: the copy less real patients" if apart else "Correlations of the copy"
    largest = sorted(told, key=lambda each: -each[0])[:5]
    said = "Largest: " + ("; ".join(each for _, each in largest) or "none")
    return drawing(left + size + 150, top + size + 10, parts, title, said)


def _labels(labels: tuple[str, ...], cell: int, left: int, top: int, most: int) -> list[Markup]:
    """Of rows at the left, of columns above, slanting."""
    parts = []
    for place, label in enumerate(labels):
        parts.append(words(left - 6, top + place * cell + 23, short(label, most), "end"))
        parts.append(
            Markup('<text transform="translate({},{}) rotate(-45)" fill="{}">{}</text>').format(
                left + place * cell + 22, top - 6, INK, short(label, 14)
            )
        )
    return parts


def _cell(x: float, y: float, side: int, colour: str, opacity: float, text: str) -> list[Markup]:
    filled = Markup(
        '<rect x="{}" y="{}" width="{}" height="{}" fill="{}" fill-opacity="{}" stroke="#fff"/>'
    ).format(x, y, side, side, colour, round(opacity, 3))
    ink = "#fff" if opacity > PALE else INK
    return [filled, words(x + side / 2, y + side / 2 + 4, text, "middle", ink, 10)]
