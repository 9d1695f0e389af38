"""What was found of models, of groups and of attacks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from dpsynth.evaluation import svg
from dpsynth.evaluation.drawings.parts import SHOWN, Drawing, Section, Table
from dpsynth.evaluation.estimate import Estimate
from dpsynth.evaluation.evaluation import Evaluation
from dpsynth.evaluation.figures import Figures, Line, Plot
from dpsynth.evaluation.labels import rounded
from dpsynth.evaluation.leakage.claimed import Implied

POINTS = 8  # of a long curve, in its table
GAPS = {
    "auc": "Best minus worst group (AUC)",
    "tpr": "Best minus worst group (share of cases called positive)",
    "selection": "Most minus least often called positive group",
}


def models(figures: Figures) -> Section:
    """ROC and calibration curves of models."""
    return Section(
        "models",
        "Models trained on the copy and on real patients",
        "Both are judged on the same real holdout patients. ROC: the nearer to the upper left "
        "corner, the better. Calibration: on the dotted line a predicted chance is right; bars "
        "are 95 % intervals over patients.",
        tuple(
            Drawing(each.name, each.title, svg.curves(each), _points(each, each.lines))
            for each in figures.plots
            if each.kind != "membership"
        ),
    )


def fairness(evaluation: Evaluation) -> Section:
    """Gaps between groups: that of real data, that of the copy, and what the copy adds."""
    first: list[Drawing] = []
    rest: list[Drawing] = []
    for kind, title in GAPS.items():
        gaps = sorted(_gaps(evaluation, kind), key=_worst)
        if gaps:
            first.append(_forest(f"gaps-{kind}", title, gaps[:SHOWN]))
        if gaps[SHOWN:]:
            rest.append(_forest(f"gaps-{kind}-more", f"{title}, the rest", gaps[SHOWN:]))
    return Section(
        "gaps",
        "Gaps between groups, and what the copy adds",
        "For each attribute the gap of a model trained on real patients (green diamond), of one "
        "trained on the copy (blue disc), and what the copy adds to it (grey square), with 95 % "
        "intervals over patients. 0 is no gap. Where most is added comes first.",
        tuple(first),
        tuple(rest),
        wide=True,
    )


def _gaps(evaluation: Evaluation, kind: str) -> Iterator[svg.Gap]:
    for row in evaluation.family("bias"):
        added = evaluation.get(f"{kind}_gap_added", row.group)
        if row.metric == f"{kind}_gap" and added is not None and row.group:
            yield svg.Gap(row.group, row.real, row.value, added.value)


def _worst(gap: svg.Gap) -> float:
    return -gap.added.value if gap.added.assessable else math.inf


def _forest(name: str, title: str, gaps: Sequence[svg.Gap]) -> Drawing:
    lines = tuple((g.name, *(_span(e) for e in (g.real, g.copy, g.added))) for g in gaps)
    header = ("Attribute", "Trained on real patients", "Trained on the copy", "Added by the copy")
    return Drawing(name, title, svg.forest(gaps, title), Table(header, lines))


def attacks(figures: Figures, claim: Implied | None) -> Section:
    """ROC curves of membership attacks beside what the claim allows."""
    made = [each for each in figures.plots if each.kind == "membership"]
    said = "Both axes are logarithmic: what counts is whom an attacker recognises surely. "
    said += (
        f"No attacker can be above the red line, if epsilon {claim.epsilon:g} holds as claimed; "
        "a few patients by chance can."
        if claim
        else "No guarantee was given, so there is no line that no attacker can be above."
    )
    drawn = []
    for each in made:
        bound = None if claim is None else bounding(claim, each)
        lines = [*each.lines, *([bound] if bound is not None else [])]
        table = _points(each, lines)
        drawn.append(Drawing(each.name, each.title, svg.curves(each, bound), table))
    return Section("attacks", "Who can be recognised", said, tuple(drawn))


def bounding(claim: Implied, plot: Plot) -> Line:
    """What the claim allows at most, over the plot's own rates."""
    least = min(line.x[0] for line in plot.lines)
    rates = tuple(float(each) for each in np.geomspace(least, 1, 41))
    return Line(
        name=f"at most, under the claimed epsilon {claim.epsilon:g}",
        role="control",
        x=rates,
        y=tuple(claim.recognised_at(rate) for rate in rates),
    )


def _points(plot: Plot, lines: Sequence[Line]) -> Table:
    """Some points of each line that is more than a diagonal."""
    said = []
    for line in lines:
        if len(line.x) < 3 and line.role == "control":
            continue
        step = max(math.ceil(len(line.x) / POINTS), 1) if not line.n else 1
        for at in range(0, len(line.x), step):
            span = f" ({rounded(line.low[at])} to {rounded(line.high[at])})" if line.low else ""
            n = f"{line.n[at]:,}" if line.n else ""
            said.append((line.name, f"{line.x[at]:.4g}", f"{line.y[at]:.3f}{span}", n))
    return Table(("Curve", plot.across, plot.up, "samples"), tuple(said))


def _span(estimate: Estimate) -> str:
    if not estimate.assessable:
        return "not assessable"
    return f"{rounded(estimate.value)} ({rounded(estimate.low)} to {rounded(estimate.high)})"
