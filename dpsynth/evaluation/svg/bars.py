"""Histograms: real patients above, the copy below."""

from __future__ import annotations

from markupsafe import Markup

from dpsynth.evaluation.charts import Bars
from dpsynth.evaluation.svg.parts import COPY, REAL, SOFT, box, drawing, percent, short, words

LABEL, ROOM, WIDTH = 130, 40, 330  # of the labels, of the numbers, of all


def histogram(bars: Bars) -> Markup:
    """Horizontal bars, in pairs where there are real patients."""
    sides = [(shares, colour) for shares, colour in _sides(bars) if shares]
    line = 6 + 10 * len(sides)
    most = max([*(share for shares, _ in sides for share in shares), 1e-9])
    parts = []
    for place, label in enumerate(bars.labels):
        y = 4 + place * line
        parts.append(words(LABEL - 6, y + line / 2 + 2, short(label, 20), "end"))
        for turn, (shares, colour) in enumerate(sides):
            long, top = shares[place] / most * (WIDTH - LABEL - ROOM), y + 1 + turn * 10
            parts.append(box(LABEL, top, max(long, 0.5), 9, colour))
            parts.append(words(LABEL + long + 4, top + 8, percent(shares[place]), "start", SOFT, 9))
    return drawing(
        WIDTH, 8 + line * len(bars.labels), parts, f"Histogram of {bars.name}", _told(bars)
    )


def _sides(bars: Bars) -> tuple[tuple[tuple[float, ...], str], ...]:
    return (bars.real, REAL), (bars.synthetic, COPY)


def _told(bars: Bars) -> str:
    return "; ".join(
        f"{label}: "
        + (f"{percent(bars.real[place])} of real patients, " if bars.real else "")
        + f"{percent(bars.synthetic[place])} of the copy"
        for place, label in enumerate(bars.labels)
    )
