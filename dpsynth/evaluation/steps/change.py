"""The rows about change over visits: what later visits owe to earlier ones."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from dpsynth.data.codec import Tokens
from dpsynth.evaluation import fidelity
from dpsynth.evaluation.case import Case, Step
from dpsynth.evaluation.controls import independent_columns
from dpsynth.evaluation.evaluation import Row, row
from dpsynth.evaluation.steps.likeness import compared

COMPARED = {**fidelity.CHANGE, **fidelity.CODES}
UNITS = {"length_wasserstein": "visits"}
LEAST = 200  # held-out patients with two visits: rare changes of fewer are mostly chance


def steps(case: Case) -> Iterator[Step]:
    """One step for each metric, if patients have visits."""
    if not case.codec.visit:
        return
    for name in COMPARED:
        yield name, partial(compared_rows, case, name)
    for name in fidelity.UNSEEN:
        yield name, partial(unseen_rows, case, name)


def remarks(case: Case) -> list[str]:
    """None: caps are those of `steps.likeness`."""
    return []


def compared_rows(case: Case, name: str) -> list[Row]:
    """One metric that holds the copy, real patients and a control against the holdout."""
    sides, metric = compared(case), COMPARED[name]
    real = metric.measure(sides.holdout.tokens, sides.real.tokens, case.codec, seed=case.seed)
    if not real.assessable:
        return []  # the property does not exist in these data
    others = (sides.synthetic.tokens, sides.controls[metric.control])
    value, control = (
        metric.measure(sides.holdout.tokens, other, case.codec, seed=case.seed) for other in others
    )
    return [row(name, "fidelity", metric, value, real, control, unit=UNITS.get(name, ""))]


def unseen_rows(case: Case, name: str) -> list[Row]:
    """One metric that holds the copy, the holdout and a control against all training patients."""
    sides, metric = compared(case), fidelity.UNSEEN[name]
    shuffled: Tokens = independent_columns(sides.holdout.tokens, case.rng(11))
    others = (sides.synthetic.tokens, sides.holdout.tokens, shuffled)
    value, real, control = (
        metric.measure(case.train.tokens, other, case.codec, seed=case.seed) for other in others
    )
    if not real.assessable or real.n < LEAST:
        return []
    return [row(name, "fidelity", metric, value, real, control)]
