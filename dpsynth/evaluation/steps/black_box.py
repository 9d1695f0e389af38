"""The row of a black-box audit, where a run held patients out by coins."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dpsynth.evaluation import leakage
from dpsynth.evaluation.case import Case, Step
from dpsynth.evaluation.estimate import subsample
from dpsynth.evaluation.evaluation import Row, row
from dpsynth.evaluation.leakage import scores
from dpsynth.evaluation.leakage.copies import flat
from dpsynth.evaluation.leakage.density_ratio import ratio_attack
from dpsynth.evaluation.leakage.nearest import Distances, nearest
from dpsynth.evaluation.steps.leaks import SEARCHED

COINS = 10_000  # patients whose coin is guessed, at most, about
OTHERS = 5000  # trained-on patients beside them whom the attacker has, at most


def steps(case: Case) -> Iterator[Step]:
    """One step, if it is known how patients were held out."""
    if case.coins is not None:
        yield "black-box audit", lambda: rows(case)


def remarks(case: Case) -> list[str]:
    """Why there is none."""
    if case.coins is None:
        return [
            "no black-box audit: it needs a run that held patients out by coins (evaluate --run)"
        ]
    return []


def rows(case: Case) -> list[Row]:
    """The attack by density ratio; the attacker also has trained-on patients who are not asked."""
    assert case.coins is not None
    rng, metric = case.rng(23), leakage.BLACK_BOX["black_box_epsilon"]
    train, holdout = case.train.tokens, case.holdout.tokens
    kept, kept_out = case.coins.fair(len(train), len(holdout), rng)
    thin = min(COINS / max(kept.sum() + kept_out.sum(), 1), 1.0)  # each with the same chance
    asked, asked_out = (
        np.flatnonzero(each & (rng.random(len(each)) < thin)) for each in (kept, kept_out)
    )
    rest = np.flatnonzero(~kept)
    known = train.take(rest[subsample(len(rest), OTHERS, rng)])
    sides = train.take(asked), holdout.take(asked_out)
    copy = case.synthetic.tokens.take(subsample(len(case.synthetic), SEARCHED, rng))
    member = np.repeat([True, False], [len(each) for each in sides])
    order = rng.permutation(len(member))  # so that ties tell nothing
    to_copy, to_plain, to_known = (
        np.concatenate([nearest(each, other) for each in sides])[order]
        for other in (copy, sides[0], known)
    )
    made, plain = (
        ratio_attack(
            Distances(
                member=member[order],
                to_copy=each,
                to_others=to_known,
                codes=flat(train).shape[1],
                note="" if len(copy) else "no synthetic patients",
            )
        )
        for each in (to_copy, to_plain)
    )
    tried = (made, scores.blind(made, case.seed), plain)
    values = (metric.measure(each, delta=case.coins.delta) for each in tried)
    return [row("black_box_epsilon", "leakage", metric, *values)]
