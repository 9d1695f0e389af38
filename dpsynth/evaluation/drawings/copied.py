"""What the copy looks like, beside real patients where there are any."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dpsynth.evaluation import svg
from dpsynth.evaluation.charts import Bars, Heat
from dpsynth.evaluation.drawings.parts import SHOWN, Drawing, Section, Table, slug
from dpsynth.evaluation.figures import CLASSES, Correlations, Figures


def copied(
    columns: Sequence[Bars], visits: Bars | None, transitions: Sequence[Heat], figures: Figures
) -> tuple[Section, ...]:
    """What the copy looks like, beside real patients if there are any."""
    beside = any(bars.real for bars in columns)
    bars = [*([visits] if visits else []), *columns]
    drawn = tuple(_histogram(each, beside) for each in bars)
    return tuple(
        each
        for each in (
            Section(
                "columns",
                "Columns",
                (
                    "Upper bars (green): real holdout patients. Lower bars (blue): the copy. "
                    if beside
                    else ""
                )
                + "Visit columns are pooled over visits, each patient weighing the same. "
                + (
                    "The columns that differ most come first; the distance is the share of "
                    "patients who would have to be moved. "
                    if beside
                    else ""
                )
                + "A range holds its lower end, not its upper; counts are whole.",
                drawn[:SHOWN],
                drawn[SHOWN:],
            ),
            _over_visits(figures, beside),
            _from_visit(transitions, beside),
            _correlated(figures.correlations),
            _pictured(figures),
        )
        if each.drawings
    )


def _histogram(bars: Bars, beside: bool) -> Drawing:
    unit = f" ({bars.unit})" if bars.unit else ""
    distance = f" · distance {svg.percent(bars.distance)}" if beside else ""
    return Drawing(f"column-{slug(bars.name)}", f"{bars.name}{unit}{distance}", svg.histogram(bars))


def _over_visits(figures: Figures, beside: bool) -> Section:
    both = "Real holdout patients above (dashed, diamonds) and synthetic" if beside else "Synthetic"
    return Section(
        "trajectories",
        "A few patients over their visits",
        f"{both} patients{' below (solid, discs)' if beside else ''}, drawn at random from those "
        "with two visits, the same ones for every column and all on the same scales. Look for "
        "jumps that no patient makes, and for lines that are too smooth or too rough.",
        tuple(
            Drawing(
                f"trajectories-{slug(each.name)}",
                f"{each.name}{f' ({each.unit})' if each.unit else ''}",
                svg.trajectories(each),
            )
            for each in figures.trajectories
        ),
        wide=True,
    )


def _from_visit(transitions: Sequence[Heat], beside: bool) -> Section:
    return Section(
        "transitions",
        "From visit to visit",
        "Of those with the value on the left at one visit, how many have the value above at the "
        "next." + (" Left: real holdout patients; right: the copy. " if beside else ""),
        tuple(
            Drawing(
                f"transitions-{slug(each.name)}",
                each.name + (f" · distance {svg.percent(each.distance)}" if beside else ""),
                svg.heat(each, "real" if beside else "synthetic"),
                more=svg.heat(each, "synthetic") if beside else None,
            )
            for each in transitions
        ),
        wide=True,
    )


def _correlated(made: Correlations | None) -> Section:
    heading = "How columns go together"
    if made is None:
        return Section("correlations", heading, "", ())
    said = (
        "Rank correlations of the copy less those of real holdout patients, within visits: 0 is "
        "as in reality, blue with a plus is too high, brown with a minus too low."
        if made.real
        else "Rank correlations within visits: blue with a plus go up together, brown with a "
        "minus one up, one down."
    )
    if made.left_out:
        said += f" {made.left_out} more columns are not drawn" + (
            ": they differ less." if made.real else "."
        )
    lines = [
        (a, made.labels[q], *(_number(t[p][q]) for t in (made.real, made.synthetic) if t))
        for p, a in enumerate(made.labels)
        for q in range(p)
    ]
    header = ("Column", "Column", *(("Real",) if made.real else ()), "Copy")
    drawn = Drawing(
        "correlations", "Correlations", svg.correlation(made), Table(header, tuple(lines))
    )
    return Section("correlations", heading, said, (drawn,), wide=True)


def _pictured(figures: Figures) -> Section:
    shelves = figures.pictures
    return Section(
        "pictures",
        "Pictures",
        "Drawn at random, at most one of a patient, shown at 64 pixels at most"
        + (f"; the first {CLASSES} classes." if len(shelves) == CLASSES else "."),
        tuple(
            Drawing(
                f"pictures-{slug(each.name or 'all')}",
                f"Class {each.name}" if each.name else "Pictures",
                svg.shelf(each),
            )
            for each in shelves
        ),
        wide=True,
    )


def _number(value: float) -> str:
    return f"{value:+.2f}" if math.isfinite(value) else "–"
