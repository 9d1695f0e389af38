"""The row about survival, where the schema declares a time until an event."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from dpsynth.evaluation import fidelity
from dpsynth.evaluation.case import Case, Step
from dpsynth.evaluation.evaluation import Row, row
from dpsynth.evaluation.fidelity.survival import INSTALL, estimator
from dpsynth.evaluation.steps.likeness import compared


def steps(case: Case) -> Iterator[Step]:
    """One step, if there is something to measure and what measures it."""
    if case.schema.survival is not None and estimator() is not None:
        for name in fidelity.SURVIVAL:
            yield name, partial(survival_rows, case, name)


def remarks(case: Case) -> list[str]:
    """That scikit-survival is not installed."""
    if case.schema.survival is None or estimator() is not None:
        return []
    return [f"survival was not compared: needs scikit-survival; {INSTALL}"]


def survival_rows(case: Case, name: str) -> list[Row]:
    """One metric on curves of survival."""
    sides, metric, survival = compared(case), fidelity.SURVIVAL[name], case.schema.survival
    assert survival is not None
    guess = case.codec.decode(sides.controls[metric.control], case.rng(12))
    others = (sides.synthetic.records, sides.real.records, guess)
    value, real, control = (
        metric.measure(sides.holdout.records, other, survival, seed=case.seed) for other in others
    )
    if not real.assessable:
        return []
    return [row(name, "fidelity", metric, value, real, control)]
