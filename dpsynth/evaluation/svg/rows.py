"""Small drawings for the report, as inline SVG; every text in them is escaped."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markupsafe import Markup

from dpsynth.evaluation.charts import Bars, Heat
from dpsynth.evaluation.estimate import Estimate
from dpsynth.evaluation.evaluation import Row

REAL, COPY, CONTROL = "#2f7d5b", "#1f5fae", "#9a9fa8"
INK, FAINT = "#2b3038", "#d9dde3"
WIDTH, HEIGHT, EDGE = 250, 34, 10  # of an interval drawing
LABEL = 130  # width of the labels beside bars


def interval(row: Row) -> Markup:
    """The copy's interval between its two references; better lies to the right.

    The scale is the row's own. A row whose value should match has its scale left to right.
    """
    drawn = [each for each in (row.value, row.real, row.control) if each.assessable]
    if not row.value.assessable or len(drawn) < 2:
        return Markup("")
    low, high = min(each.low for each in drawn), max(each.high for each in drawn)
    span = (high - low) or 1.0

    def x(value: float) -> float:
        share = (value - low) / span
        if row.better == "lower":
            share = 1 - share
        return round(EDGE + share * (WIDTH - 2 * EDGE), 1)

    parts = [
        Markup('<line x1="{}" x2="{}" y1="17" y2="17" stroke="{}"/>').format(
            EDGE, WIDTH - EDGE, FAINT
        )
    ]
    if row.control.assessable:
        parts.append(
            Markup('<rect x="{}" y="12" width="10" height="10" fill="{}"/>').format(
                x(row.control.value) - 5, CONTROL
            )
        )
    if row.real.assessable:
        parts.append(_span(row.real, x, 17, 3, REAL))
        parts.append(
            Markup('<path d="M{} 9 l7 8 l-7 8 l-7 -8 z" fill="{}"/>').format(
                x(row.real.value), REAL
            )
        )
    parts.append(_span(row.value, x, 17, 5, COPY))
    parts.append(
        Markup('<circle cx="{}" cy="17" r="6" fill="{}" stroke="#fff"/>').format(
            x(row.value.value), COPY
        )
    )
    return _svg(WIDTH, HEIGHT, parts, row.reading)


def _span(
    estimate: Estimate, x: Callable[[float], float], y: int, width: int, colour: str
) -> Markup:
    return Markup(
        '<line x1="{}" x2="{}" y1="{}" y2="{}" stroke="{}" stroke-width="{}" opacity="0.45"/>'
    ).format(x(estimate.low), x(estimate.high), y, y, colour, width)


def histogram(bars: Bars) -> Markup:
    """Horizontal pairs of bars: real patients above, the copy below."""
    line, room, width = 26, 40, 330
    most = max([*bars.real, *bars.synthetic, 1e-9])
    parts = []
    for place, label in enumerate(bars.labels):
        y = 4 + place * line
        parts.append(_text(LABEL - 6, y + 15, short(label, 20), "end", INK))
        both = ((bars.real[place], REAL), (bars.synthetic[place], COPY))
        for turn, (share, colour) in enumerate(both):
            long = round(share / most * (width - LABEL - room), 1)
            top = y + 1 + turn * 10
            parts.append(
                Markup('<rect x="{}" y="{}" width="{}" height="9" fill="{}"/>').format(
                    LABEL, top, max(long, 0.5), colour
                )
            )
            parts.append(_text(LABEL + long + 4, top + 8, percent(share), "start", "#5b6470", 9))
    return _svg(width, 8 + line * len(bars.labels), parts, f"Histogram of {bars.name}")


def heat(map_: Heat, side: str) -> Markup:
    """One square table of conditional shares, rows now and columns next."""
    table, colour = (map_.real, REAL) if side == "real" else (map_.synthetic, COPY)
    cell, left, top = 38, 122, 84
    parts = []
    for row, label in enumerate(map_.labels):
        parts.append(_text(left - 6, top + row * cell + 23, short(label, 18), "end", INK))
        parts.append(
            Markup('<text transform="translate({},{}) rotate(-45)" fill="{}">{}</text>').format(
                left + row * cell + 22, top - 6, INK, short(label, 14)
            )
        )
        for column, share in enumerate(table[row]):
            x, y = left + column * cell, top + row * cell
            parts.append(
                Markup(
                    '<rect x="{}" y="{}" width="{}" height="{}" fill="{}" fill-opacity="{}" '
                    'stroke="#fff"/>'
                ).format(x, y, cell, cell, colour, round(0.04 + 0.9 * share, 3))
            )
            ink = "#fff" if share > 0.5 else "#4a525c"
            parts.append(_text(x + cell / 2, y + 23, percent(share), "middle", ink, 10))
    size = cell * len(map_.labels)
    return _svg(left + size + 60, top + size + 4, parts, f"Transitions of {map_.name}, {side}")


def percent(share: float) -> str:
    """A share for people."""
    if 0 < share < 0.005:
        return "<1%"
    return f"{share:.0%}"


def short(label: str, most: int) -> str:
    """A label that fits."""
    return label if len(label) <= most else label[: most - 1] + "…"


def _text(x: float, y: float, text: str, anchor: str, colour: str = INK, size: int = 11) -> Markup:
    return Markup('<text x="{}" y="{}" text-anchor="{}" fill="{}" font-size="{}">{}</text>').format(
        round(x, 1), round(y, 1), anchor, colour, size, text
    )


def _svg(width: float, height: float, parts: Sequence[Markup], title: str) -> Markup:
    return Markup(
        '<svg viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" font-size="11">'
        "<title>{title}</title>{body}</svg>"
    ).format(w=width, h=height, title=title, body=Markup("").join(parts))
