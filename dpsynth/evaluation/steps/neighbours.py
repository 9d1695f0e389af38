"""The rows about neighbours: where the copy's patients lie among real ones."""

from __future__ import annotations

from collections.abc import Iterator

from dpsynth.evaluation import fidelity
from dpsynth.evaluation.case import Case, Step
from dpsynth.evaluation.evaluation import Row, row
from dpsynth.evaluation.fidelity.neighbours import PATIENTS, neighbours
from dpsynth.evaluation.steps.likeness import compared


def steps(case: Case) -> Iterator[Step]:
    """One step."""
    yield "neighbours", lambda: rows(case)


def remarks(case: Case) -> list[str]:
    """A cap that took effect."""
    if min(map(len, (case.train, case.holdout, case.synthetic))) <= PATIENTS:
        return []
    return [f"neighbours are sought among {PATIENTS:,} patients of a data set, at random"]


def rows(case: Case) -> list[Row]:
    """All metrics on neighbours; the distances are the same for all."""
    sides = compared(case)
    others = (sides.synthetic.tokens, sides.real.tokens, sides.controls[fidelity.SHUFFLED])
    found = [neighbours(sides.holdout.tokens, each, case.codec, seed=case.seed) for each in others]
    made = []
    for name, metric in fidelity.NEIGHBOURS.items():
        value, real, control = (metric.measure(each, seed=case.seed) for each in found)
        if real.assessable:
            made.append(row(name, "fidelity", metric, value, real, control))
    return made
