"""Rows of the tables as drawings: a value between its references, and gaps of groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from dpsynth.evaluation.estimate import Estimate
from dpsynth.evaluation.evaluation import Row
from dpsynth.evaluation.labels import rounded
from dpsynth.evaluation.svg.parts import (
    COLOURS,
    FAINT,
    SOFT,
    Scale,
    drawing,
    mark,
    short,
    stroke,
    words,
)

WIDTH, HEIGHT, EDGE = 250, 34, 10  # of an interval drawing


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

    parts = [stroke(EDGE, 17, WIDTH - EDGE, 17)]
    if row.control.assessable:
        parts.append(mark(x(row.control.value), 17, "control"))
    if row.real.assessable:
        parts += [_span(row.real, x, 17, 3, "real"), mark(x(row.real.value), 17, "real")]
    parts += [_span(row.value, x, 17, 5, "copy"), mark(x(row.value.value), 17, "copy")]
    return drawing(WIDTH, HEIGHT, parts, row.reading)


def _span(estimate: Estimate, x: Scale, y: float, width: int, role: str) -> Markup:
    return Markup(
        '<line x1="{}" x2="{}" y1="{y}" y2="{y}" stroke="{}" stroke-width="{}" opacity="0.45"/>'
    ).format(x(estimate.low), x(estimate.high), COLOURS[role], width, y=y)


@dataclass(frozen=True)
class Gap:
    """Gaps between the groups of one attribute.

    Attributes:
        name: the attribute.
        real: the gap of a model trained on real patients.
        copy: of one trained on the copy.
        added: what the copy adds to it.
    """

    name: str
    real: Estimate
    copy: Estimate
    added: Estimate


def forest(gaps: Sequence[Gap], title: str) -> Markup:
    """Three intervals for each attribute: the two gaps, and what the copy adds."""
    known = [e for g in gaps for e in (g.real, g.copy, g.added) if e.assessable]
    low, high = min([0.0, *(e.low for e in known)]), max([0.1, *(e.high for e in known)])
    left, width, line, top = 190, 660, 46, 24
    end, height = width - 120, top + line * len(gaps)

    def x(value: float) -> float:
        return round(left + (value - low) / (high - low) * (end - left), 1)

    parts = []
    for tick in _ticks(low, high):
        parts.append(stroke(x(tick), top - 4, x(tick), height, SOFT if tick == 0 else FAINT))
        parts.append(words(x(tick), top - 9, f"{tick:g}", "middle", SOFT, 10))
    for place, gap in enumerate(gaps):
        y = top + place * line + 8
        parts.append(words(left - 12, y + 17, short(gap.name, 28), "end"))
        for turn, (role, each) in enumerate(_marks(gap)):
            at = y + 13 * turn
            if each.assessable:
                parts += [_span(each, x, at, 4, role), mark(x(each.value), at, role, 4)]
                said = f"{rounded(each.low)} to {rounded(each.high)}"
            else:
                said = "not assessable"
            parts.append(words(end + 10, at + 4, said, "start", COLOURS[role], 10))
        parts.append(stroke(8, y + 34, width - 4, y + 34))
    told = "; ".join(
        f"{g.name}: " + ", ".join(f"{name} {_said(e)}" for name, e in _named(g)) for g in gaps
    )
    return drawing(width, height + 6, parts, title, told)


def _marks(gap: Gap) -> tuple[tuple[str, Estimate], ...]:
    return ("real", gap.real), ("copy", gap.copy), ("control", gap.added)


def _named(gap: Gap) -> tuple[tuple[str, Estimate], ...]:
    return ("real", gap.real), ("copy", gap.copy), ("added", gap.added)


def _said(estimate: Estimate) -> str:
    if not estimate.assessable:
        return "not assessable"
    value, low, high = (rounded(e) for e in (estimate.value, estimate.low, estimate.high))
    return f"{value} ({low} to {high})"


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers within, 0 among them."""
    step = next(s for s in (0.02, 0.05, 0.1, 0.2, 0.5, 1.0) if (high - low) / s <= 8 or s == 1.0)
    return [round(k * step, 4) for k in range(int(low / step), int(high / step) + 1)]
