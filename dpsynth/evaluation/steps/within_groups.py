"""The rows about likeness and leakage within each group."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from dpsynth.evaluation import fidelity, leakage
from dpsynth.evaluation.bias import METRICS
from dpsynth.evaluation.case import Case, Step
from dpsynth.evaluation.evaluation import Row, row
from dpsynth.evaluation.steps.groups import split
from dpsynth.evaluation.steps.leaks import attacked, distances
from dpsynth.evaluation.steps.likeness import compared

REPLICATES = 100  # half as many as elsewhere: every column is counted for every group


def steps(case: Case) -> Iterator[Step]:
    """Two steps, if there are groups."""
    if split(case).single:
        yield "likeness within groups", partial(likeness_rows, case)
        yield "leakage within groups", partial(leakage_rows, case)


def remarks(case: Case) -> list[str]:
    """None: caps are those of `steps.likeness` and `steps.leaks`."""
    return []


def likeness_rows(case: Case) -> list[Row]:
    """Histograms of each group by one attribute, beside other real patients of it."""
    sides, metric, codec = compared(case), METRICS["group_tv1"], case.codec
    holdout = sides.holdout.tokens
    others = (sides.synthetic.tokens, sides.real.tokens, sides.controls[fidelity.GUESS])
    rows = []
    for group in (each for parts in split(case).single.values() for each in parts):
        real = holdout.take(group.members(holdout, codec).nonzero()[0])
        values = [
            metric.measure(
                real,
                other.take(group.members(other, codec).nonzero()[0]),
                codec,
                replicates=REPLICATES,
                seed=case.seed,
            )
            for other in others
        ]
        rows.append(row("group_tv1", "bias", metric, *values, group=group.name))
    return rows


def leakage_rows(case: Case) -> list[Row]:
    """The membership attack on each group by one attribute, beside fresh patients."""
    found, metric = attacked(case), METRICS["group_membership_auc"]
    made = [leakage.ATTACKS["nearest"](each) for each in distances(case)]
    rows = []
    for group in (each for parts in split(case).single.values() for each in parts):
        inside = np.concatenate(
            [group.members(each, case.codec) for each in (found.members, found.outsiders)]
        )
        values = [metric.measure(each, inside, seed=case.seed) for each in made]
        rows.append(row("group_membership_auc", "bias", metric, *values, group=group.name))
    return rows
