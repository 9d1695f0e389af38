"""A sweep as one page that loads nothing, and as JSON for machines."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from dpsynth.evaluation import svg
from dpsynth.evaluation.drawings import Drawing, Section, Table
from dpsynth.evaluation.figures import Dose, Doses, Level
from dpsynth.evaluation.labels import rounded
from dpsynth.evaluation.page import filled
from dpsynth.evaluation.svg.parts import short
from dpsynth.evaluation.sweep.curve import Cell, Measured
from dpsynth.evaluation.sweep.decision import Decision, Thresholds
from dpsynth.evaluation.sweep.measures import LOSS, MEASURES, Measure
from dpsynth.schema import Schema

PAGE, DATA = "sweep.html", "sweep.json"
INTERNAL = (
    "INTERNAL: computed on real records; these curves are themselves a disclosure; do not share "
    "outside."
)
QUESTIONS = {
    "utility": ("Is it useful?", "What a model trained on the copy is worth on real patients."),
    "groups": ("For whom is it worse?", "The worst group, and the gap between intersections."),
    "fidelity": ("Is it like the real data?", "Distances to real patients held out; 0 is best."),
    "leakage": (
        "Does it leak?",
        "One attack on the copy alone; a low value is no proof, only epsilon is.",
    ),
}


@dataclass(frozen=True, kw_only=True)
class GroupLine:
    """One group's loss at one model and epsilon, for the page."""

    group: str
    model: str
    epsilon: str
    text: str
    n: int


def write_sweep(
    folder: Path,
    *,
    schema: Schema,
    sweep: str,
    payment: Mapping[str, Any],
    real: Sequence[Measured],
    cells: Sequence[Cell],
    decision: Decision | None,
    thresholds: Thresholds | None,
    sizes: tuple[int, int],
    points: Sequence[Mapping[str, Any]],
) -> list[Path]:
    """Write `sweep.html` and `sweep.json`.

    Args:
        folder: where to.
        schema: public facts of the data.
        sweep: its id.
        payment: who paid, with `mode` and `words`.
        real: what real training patients reach.
        cells: the curve.
        decision, thresholds: if one was asked for.
        sizes: real patients trained on, and held out.
        points: every training, as JSON.
    """
    internal = payment["mode"] != "stand-in"
    facts = {
        "kind": "sweep",
        "id": sweep,
        "date": date.today().isoformat(),
        "internal": INTERNAL if internal else None,
        "data": schema.name,
        "unit": schema.unit,
        "trained_on": sizes[0],
        "held_out": sizes[1],
        "who_pays": dict(payment),
        "thresholds": None if thresholds is None else asdict(thresholds),
        "recommendation": None if decision is None else decision.public(),
        "real": [each.public() for each in real],
        "rows": [each.public() for each in cells],
        "points": list(points),
    }
    data, page = folder / DATA, folder / PAGE
    data.write_text(
        json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
    )
    page.write_text(
        filled(
            "sweep.html",
            title=f"Sweep over epsilon: {schema.name}",
            facts=facts,
            internal=INTERNAL if internal else "",
            decision=decision,
            sections=sections(real, cells, thresholds),
            groups=group_lines(cells),
            unknown=not_assessable(cells),
        ),
        encoding="utf-8",
    )
    return [page, data]


def sections(
    real: Sequence[Measured], cells: Sequence[Cell], thresholds: Thresholds | None = None
) -> tuple[Section, ...]:
    """Figures by question; a measure that nothing is known of is left out."""
    found = []
    for question, (heading, says) in QUESTIONS.items():
        drawings = tuple(
            drawing(name, measure, real, cells, thresholds)
            for name, measure in MEASURES.items()
            if measure.question == question
            and any(c.metric == name and c.group is None and c.assessable for c in cells)
        )
        if drawings:
            found.append(Section(anchor=question, heading=heading, says=says, drawings=drawings))
    return tuple(found)


def drawing(
    name: str,
    measure: Measure,
    real: Sequence[Measured],
    cells: Sequence[Cell],
    thresholds: Thresholds | None = None,
) -> Drawing:
    """One measure against epsilon, with the numbers behind it."""
    mine = [each for each in cells if each.metric == name and each.group is None]
    models = list(dict.fromkeys(each.model for each in mine))
    lines = []
    for model in models:
        part = sorted((c for c in mine if c.model == model), key=lambda c: c.epsilon)
        lines.append(
            Dose(
                name=model,
                epsilon=tuple(c.epsilon for c in part),
                y=tuple(c.value for c in part),
                low=tuple(c.low for c in part),
                high=tuple(c.high for c in part),
            )
        )
    plot = Doses(
        title=measure.title,
        up=short(measure.title, 38),
        lines=tuple(lines),
        marks=_marks(name, measure, real, thresholds),
    )
    rows = tuple((c.model, _epsilon(c.epsilon), _span(c), f"{c.seeds}", f"{c.n:,}") for c in mine)
    header = ("model", "epsilon", "value (95 %)", "seeds", "patients")
    title = f"{measure.title}; {measure.scale}"
    return Drawing(name, title, svg.doses(plot), Table(header, rows))


def _marks(
    name: str, measure: Measure, real: Sequence[Measured], thresholds: Thresholds | None
) -> tuple[tuple[Level, float], ...]:
    """What real patients reach, what chance gives, and what was asked for."""
    reached = next((m.estimate.value for m in real if m.metric == name and m.group is None), None)
    marks: list[tuple[Level, float]] = []
    if reached is not None and math.isfinite(reached):
        marks.append(("real", reached))
    if measure.chance is not None and measure.question == "leakage":
        marks.append(("chance", measure.chance))
    asked = None
    if thresholds is not None:
        asked = {LOSS: thresholds.loss, "worst_group_loss": thresholds.group_loss}.get(name)
    if asked is not None:
        marks.append(("threshold", asked))
    return tuple(marks)


def group_lines(cells: Sequence[Cell]) -> tuple[GroupLine, ...]:
    """The loss of every assessable group, the worst first."""
    known = [c for c in cells if c.metric == LOSS and c.group is not None and c.assessable]
    return tuple(
        GroupLine(
            group=str(each.group),
            model=each.model,
            epsilon=_epsilon(each.epsilon),
            text=_span(each),
            n=each.n,
        )
        for each in sorted(known, key=lambda c: -c.value)
    )


def not_assessable(cells: Sequence[Cell]) -> tuple[str, ...]:
    """Groups of which nothing is known, and why."""
    found = (
        f"{c.group}: {c.note}"
        for c in cells
        if c.metric == LOSS and c.group is not None and not c.assessable
    )
    return tuple(dict.fromkeys(found))


def _epsilon(epsilon: float) -> str:
    return f"{epsilon:g}" if math.isfinite(epsilon) else "no noise"


def _span(cell: Cell) -> str:
    if not cell.assessable:
        return f"not assessable ({cell.note})"
    return f"{rounded(cell.value)} ({rounded(cell.low)} to {rounded(cell.high)})"
