"""What all drawings are made of; every text in them is escaped.

Nothing is told by colour alone: real patients and the copy also differ in shape, dash or place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from markupsafe import Markup

REAL, COPY, CONTROL = "#2f7d5b", "#1f5fae", "#6d737d"
COLOURS = {"real": REAL, "copy": COPY, "control": CONTROL}
Scale = Callable[[float], float]  # from a value to its place
INK, SOFT, FAINT = "#2b3038", "#5b6470", "#d9dde3"


def drawing(
    width: float, height: float, parts: Sequence[Markup], title: str, told: str = ""
) -> Markup:
    """The whole of it.

    Args:
        width, height: in pixels.
        parts: what is in it.
        title: read out by screen readers, and shown under the mouse.
        told: what it shows, in words, for whoever can't see it.
    """
    told_ = Markup("<desc>{}</desc>").format(told) if told else Markup("")
    return Markup(
        '<svg viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" font-size="11">'
        "<title>{title}</title>{told}{body}</svg>"
    ).format(
        w=round(width, 1),
        h=round(height, 1),
        title=title,
        told=told_,
        body=Markup("").join(parts),
    )


def words(
    x: float, y: float, text: str, anchor: str = "start", colour: str = INK, size: int = 11
) -> Markup:
    """One line of text."""
    return Markup('<text x="{}" y="{}" text-anchor="{}" fill="{}" font-size="{}">{}</text>').format(
        round(x, 1), round(y, 1), anchor, colour, size, text
    )


def stroke(
    x1: float, y1: float, x2: float, y2: float, colour: str = FAINT, width: float = 1.0
) -> Markup:
    """A straight line."""
    return Markup('<line x1="{}" y1="{}" x2="{}" y2="{}" stroke="{}" stroke-width="{}"/>').format(
        round(x1, 1), round(y1, 1), round(x2, 1), round(y2, 1), colour, width
    )


def box(x: float, y: float, width: float, height: float, colour: str, opacity: float = 1) -> Markup:
    """A filled rectangle."""
    return Markup(
        '<rect x="{}" y="{}" width="{}" height="{}" fill="{}" fill-opacity="{}"/>'
    ).format(round(x, 1), round(y, 1), round(width, 1), round(height, 1), colour, opacity)


def mark(x: float, y: float, role: str, size: float = 6) -> Markup:
    """The copy is a disc, real patients a diamond, a control a square."""
    colour = COLOURS[role]
    if role == "copy":
        return Markup('<circle cx="{}" cy="{}" r="{}" fill="{}" stroke="#fff"/>').format(
            round(x, 1), round(y, 1), size, colour
        )
    if role == "real":
        return Markup('<path d="M{} {} l{s} {s} l-{s} {s} l-{s} -{s} z" fill="{c}"/>').format(
            round(x, 1), round(y - size - 1, 1), s=size + 1, c=colour
        )
    return box(x - size + 1, y - size + 1, 2 * size - 2, 2 * size - 2, colour)


def polyline(
    xs: Sequence[float],
    ys: Sequence[float],
    x: Scale,
    y: Scale,
    colour: str,
    dash: str = "",
    width: float = 2,
) -> Markup:
    """A line through points; a missing one breaks it."""
    steps, begun = [], False
    for a, b in zip(xs, ys, strict=True):
        if math.isfinite(b):
            steps.append(f"{'L' if begun else 'M'}{x(a)} {y(b)}")
        begun = math.isfinite(b)
    return Markup(
        '<path d="{}" fill="none" stroke="{}" stroke-width="{}" stroke-dasharray="{}" '
        'stroke-linejoin="round"/>'
    ).format(" ".join(steps) or "M0 0", colour, width, dash)


def percent(share: float) -> str:
    """A share for people."""
    if 0 < share < 0.005:
        return "<1%"
    return f"{share:.0%}"


def short(label: str, most: int) -> str:
    """A label that fits."""
    return label if len(label) <= most else label[: most - 1] + "…"
