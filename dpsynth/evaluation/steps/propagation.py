"""The rows about what the copy adds to gaps between groups, and what of it privacy adds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from dpsynth.evaluation.bias import ADDED, METRICS, SPLIT, TESTED
from dpsynth.evaluation.bias.amplification import Labelled
from dpsynth.evaluation.bias.discrimination import Again
from dpsynth.evaluation.case import Case, Step
from dpsynth.evaluation.estimate import Estimate
from dpsynth.evaluation.evaluation import Row, row
from dpsynth.evaluation.steps.groups import judged, split
from dpsynth.evaluation.steps.prediction import (
    predictions,
    refits,
    retrained,
    tasks,
    unprotected,
    unprotected_refits,
)
from dpsynth.evaluation.utility.boosting import Predicted


def steps(case: Case) -> Iterator[Step]:
    """If there are a label and groups."""
    if case.schema.label is None or not split(case).single:
        return
    yield "gaps added", partial(added_rows, case)
    if case.unprotected is not None:
        yield "gaps added by privacy", partial(split_rows, case)
    yield "gaps by chance", partial(tested_rows, case)
    yield "bias amplified", partial(amplified_rows, case)


def remarks(case: Case) -> list[str]:
    """What the copy without noise was, if there was one."""
    if case.unprotected is None:
        return []
    return [
        "gaps were split by a copy made without noise, which protects nobody: delete it and "
        "whatever it was made with"
    ]


def added_rows(case: Case) -> list[Row]:
    """What the copy adds to each gap, of each attribute and pair."""
    synthetic, real, control = predictions(case)
    of_copy, of_real = refits(case)
    sides: tuple[tuple[Predicted, Again], ...] = (
        (synthetic, (of_copy, of_real)),
        (retrained(case), (of_real, of_real[::-1])),
        (control, ([], of_real)),
    )
    return [
        row(
            name,
            "bias",
            metric,
            *(
                metric.measure(other, real, insides, again=again, seed=case.seed)
                for other, again in sides
            ),
            group=attribute,
        )
        for attribute, insides in judged(case).items()
        for name, metric in ADDED.items()
    ]


def split_rows(case: Case) -> list[Row]:
    """The gap that was there, what the generator adds and what privacy adds."""
    bare = unprotected(case)
    assert bare is not None
    synthetic, real, control = predictions(case)
    seed, rows, of_bare = case.seed, [], unprotected_refits(case)
    of_copy, of_real = refits(case)
    for attribute, insides in judged(case).items():
        there, generator, privacy = SPLIT.values()
        again = retrained(case)
        noise, none, by_generator = (
            generator.measure(model, real, insides, again=(refitted, of_real), seed=seed)
            for model, refitted in ((again, of_real[::-1]), (control, []), (bare, of_bare))
        )
        by_privacy = privacy.measure(synthetic, bare, insides, again=(of_copy, of_bare), seed=seed)
        parts = (
            [there.measure(model, insides, seed=seed) for model in (real, again, control)],
            [by_generator, noise, none],
            [by_privacy, noise, none],
        )
        rows += [
            row(name, "bias", metric, *values, group=attribute)
            for (name, metric), values in zip(SPLIT.items(), parts, strict=True)
        ]
    return rows


def tested_rows(case: Case) -> list[Row]:
    """The gap of the copy's model beside that of random groups, and p-values."""
    rows, full = [], Estimate(1.0, 1.0, 1.0, 0)
    gaps, chances = TESTED["worst_gap"], TESTED["worst_gap_p"]
    for attribute, insides in judged(case).items():
        synthetic, real, control = (
            gaps.measure(model, insides, seed=case.seed) for model in predictions(case)
        )
        rows += [
            row("worst_gap", "bias", gaps, synthetic.gap, synthetic.chance, full, group=attribute),
            row("worst_gap_p", "bias", chances, synthetic.p, real.p, control.p, group=attribute),
        ]
    return rows


def amplified_rows(case: Case) -> list[Row]:
    """Whether the copy ties the label to each attribute as real patients do."""
    made, metric, rng = tasks(case), METRICS["bias_amplification"], case.rng(83)
    sides = (
        (made.train, made.trained),
        (made.synthetic, made.copied),
        (made.holdout, made.judged),
    )
    rows = []
    for attribute, parts in split(case).single.items():
        real, *others = (
            Labelled(
                y=task.y,
                patient=task.patient,
                insides=np.array([each.members(tokens, case.codec) for each in parts]),
            )
            for task, tokens in sides
        )
        dealt = replace(real, insides=rng.permutation(real.insides, axis=1))
        values = [metric.measure(real, other, seed=case.seed) for other in (*others, dealt)]
        rows.append(row("bias_amplification", "bias", metric, *values, group=attribute))
    return rows
