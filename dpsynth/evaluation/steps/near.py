"""The rows about near copies: synthetic patients beside training and held-out ones."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dpsynth.evaluation import leakage
from dpsynth.evaluation.case import Case, Step
from dpsynth.evaluation.estimate import not_assessable, subsample
from dpsynth.evaluation.evaluation import Row, row
from dpsynth.evaluation.leakage.copies import flat
from dpsynth.evaluation.leakage.density_ratio import closeness
from dpsynth.evaluation.leakage.near_copies import fresh_rate
from dpsynth.evaluation.leakage.nearest import nearest

SYNTHETIC = 5_000  # patients of the copy, at most
TRAINED = 20_000  # training patients that they are looked up among, at most
OTHERS = 5_000  # held-out patients, at most
COPIED = 1_000  # training patients of the plain copy, at most


def steps(case: Case) -> Iterator[Step]:
    """One step."""
    yield "near copies", lambda: rows(case)


def remarks(case: Case) -> list[str]:
    """Caps that took effect."""
    found = []
    if len(case.synthetic) > SYNTHETIC:
        found.append(f"near copies are sought in {SYNTHETIC:,} synthetic patients, at random")
    if len(case.train) > TRAINED:
        found.append(f"near copies are sought of {TRAINED:,} training patients, at random")
    return found


def rows(case: Case) -> list[Row]:
    """Near copies, and the share that others report."""
    rng, train, holdout = case.rng(17), case.train.tokens, case.holdout.tokens
    others = holdout.take(subsample(len(holdout), min(OTHERS, len(train)), rng))
    order = rng.permutation(len(train))[:TRAINED]
    as_many, more = (train.take(each) for each in np.split(order, [len(others)]))
    synthetic = case.synthetic.tokens.take(subsample(len(case.synthetic), SYNTHETIC, rng))
    copied = as_many.take(np.arange(min(len(as_many), COPIED)))
    near = [
        (nearest(each, as_many), nearest(each, more), nearest(each, others, but_self=own))
        for each, own in ((synthetic, False), (others, True), (copied, False))
    ]
    codes = flat(others).shape[1]
    made, fresh, plain = (closeness(np.minimum(a, b), c, codes) for a, b, c in near)
    rate = leakage.NEAR["near_copy_rate"]
    share = leakage.LEGACY["dcr_share"]
    chance = fresh_rate(len(fresh)) if len(synthetic) else not_assessable("no synthetic patients")
    return [
        row(
            "near_copy_rate",
            "leakage",
            rate,
            rate.measure(made, fresh),
            chance,
            rate.measure(plain, fresh),
        ),
        row(
            "dcr_share",
            "leakage",
            share,
            *(share.measure(to_train, to_others) for to_train, _, to_others in near),
        ),
    ]
