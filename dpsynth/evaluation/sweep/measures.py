"""What is measured of each copy: cheap measures, one or two for each question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from dpsynth.data.codec import Tokens
from dpsynth.data.records import Records
from dpsynth.evaluation import bias, fidelity, leakage, utility
from dpsynth.evaluation.absent import completed
from dpsynth.evaluation.bias.gaps import gap
from dpsynth.evaluation.bias.worst_loss import worst_group_loss
from dpsynth.evaluation.estimate import Estimate, not_assessable, subsample
from dpsynth.evaluation.leakage.membership import Attack, membership_auc, membership_tpr
from dpsynth.evaluation.leakage.nearest import nearest
from dpsynth.evaluation.leakage.picture_membership import picture_attack
from dpsynth.evaluation.metric import Better, Metric
from dpsynth.evaluation.shown import shown
from dpsynth.evaluation.steps.leaks import SEARCHED
from dpsynth.evaluation.steps.likeness import PATIENTS
from dpsynth.evaluation.sweep.curve import Measured
from dpsynth.evaluation.sweep.judge import Judge
from dpsynth.evaluation.utility.predictions import Predicted

Question = Literal["utility", "fidelity", "groups", "leakage"]
LOSS = "auc_loss"  # of everyone, and with a group's name of a group
RECORDS, PICTURES = ("tv1", "tv2", "transition_tv"), ("kid",)  # of fidelity


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What a measure is to the reader.

    Attributes:
        question: that it answers.
        title, scale, better: as of a metric.
        chance: what a copy that tells nothing gives, where that is known; else none.
    """

    question: Question
    title: str
    scale: str
    better: Better
    chance: float | None = None


def _as(question: Question, metric: Metric[Any], chance: float | None = None) -> Measure:
    return Measure(
        question=question,
        title=metric.title,
        scale=metric.scale,
        better=metric.better,
        chance=chance,
    )


# In the order of the page.
MEASURES: Mapping[str, Measure] = {
    "tstr_auc": _as("utility", utility.METRICS["tstr_auc"], 0.5),
    "picture_tstr_auc": _as("utility", utility.PICTURES["picture_tstr_auc"], 0.5),
    LOSS: _as("utility", bias.METRICS["auc_loss"]),
    "worst_group_loss": Measure(
        question="groups",
        title="AUC lost by the worst group",
        scale="0: nobody loses; 0.5: from perfect to chance",
        better="lower",
    ),
    "intersectional_gap": Measure(
        question="groups",
        title="Best minus worst intersection of groups (AUC)",
        scale="0: all alike; chance keeps it above 0",
        better="lower",
    ),
    **{name: _as("fidelity", fidelity.METRICS[name]) for name in RECORDS},
    **{name: _as("fidelity", fidelity.LOOKS[name]) for name in PICTURES},
    "membership_auc": _as("leakage", leakage.METRICS["membership_auc"], 0.5),
    "membership_tpr": _as("leakage", leakage.METRICS["membership_tpr"], 0.01),
}


def measured(judge: Judge, copy: Records) -> tuple[Measured, ...]:
    """Every measure that the schema has room for, of one copy.

    Args:
        judge: the real patients.
        copy: synthetic patients; columns that it lacks are taken as missing.
    """
    copy = completed(copy, judge.codec)
    tokens = judge.codec.encode(copy)
    return (
        *_worth(judge, tokens, copy),
        *_likeness(judge, tokens),
        *_leaks(judge, tokens),
    )


def of_real(judge: Judge, train: Records) -> tuple[Measured, ...]:
    """What the training patients themselves reach: the reference of every curve."""
    some = train.take(subsample(len(train), PATIENTS, np.random.default_rng([judge.seed, 5])))
    found = [*_likeness(judge, judge.codec.encode(some))]
    if judge.real is not None:
        found = [*_ranking(judge, judge.real), *found]
    return tuple(found)


def _worth(judge: Judge, tokens: Tokens, copy: Records) -> Iterator[Measured]:
    """What a model from the copy is worth, to everyone and to each group."""
    real, seed = judge.real, judge.seed
    if real is None:
        return
    made = judge.predicted(tokens, copy)
    yield from _ranking(judge, made)
    loss = bias.METRICS[LOSS].measure
    everyone = np.ones(real.patients, dtype=bool)
    yield Measured(metric=LOSS, estimate=loss(real, made, everyone, seed=seed))
    groups = {**judge.single, **judge.crossed}
    if not groups:
        return
    for name, inside in groups.items():
        found = loss(real, made, inside, seed=seed)
        yield Measured(metric=LOSS, group=name, estimate=found)
    yield Measured(
        metric="worst_group_loss", estimate=worst_group_loss(real, made, groups, seed=seed)
    )


def _ranking(judge: Judge, made: Predicted) -> Iterator[Measured]:
    """How well a model ranks, and how much worse in one intersection than in another."""
    name = "picture_tstr_auc" if judge.pictures else "tstr_auc"
    metric = utility.PICTURES[name] if judge.pictures else utility.METRICS[name]
    yield Measured(metric=name, estimate=metric.measure(made, seed=judge.seed))
    if judge.crossed:
        apart = gap(made, list(judge.crossed.values()), kind="auc", seed=judge.seed)
        yield Measured(metric="intersectional_gap", estimate=apart)


def _likeness(judge: Judge, tokens: Tokens) -> Iterator[Measured]:
    """Distances to the holdout, of as many patients as were trained on at most."""
    rng, seed, held = np.random.default_rng([judge.seed, 4]), judge.seed, judge.holdout.tokens
    some = tokens.take(subsample(len(tokens), min(judge.size, PATIENTS), rng))
    held = held.take(subsample(len(held), PATIENTS, rng))
    if not judge.pictures:
        for name in RECORDS:
            found = fidelity.METRICS[name].measure(held, some, judge.codec, seed=seed)
            if found.assessable:  # else the property does not exist in these data
                yield Measured(metric=name, estimate=found)
        return
    looks = [
        shown(each, judge.codec, judge.schema.label).one_each(rng).pixels for each in (held, some)
    ]
    for name in PICTURES:
        yield Measured(metric=name, estimate=fidelity.LOOKS[name].measure(*looks, seed=seed))


def _leaks(judge: Judge, tokens: Tokens) -> Iterator[Measured]:
    """The nearest-neighbour attack: an attack, no bound. Only epsilon is one."""
    made = _attack(judge, tokens)
    for name, measure in (("membership_auc", membership_auc), ("membership_tpr", membership_tpr)):
        found: Estimate = measure(made, seed=judge.seed)
        if made.note:
            found = not_assessable(made.note, found.n)
        yield Measured(metric=name, estimate=found)


def _attack(judge: Judge, tokens: Tokens) -> Attack:
    rng, label = np.random.default_rng([judge.seed, 6]), judge.schema.label
    some = tokens.take(subsample(len(tokens), SEARCHED, rng))
    sides = (judge.members, judge.outsiders)
    if judge.pictures:
        copy, members, outsiders = (shown(t, judge.codec, label) for t in (some, *sides))
        return picture_attack(copy, members, outsiders)
    scores = [-nearest(each, some) for each in sides]
    member = np.repeat([True, False], [len(each) for each in sides])
    return Attack(member, np.concatenate(scores), "" if len(some) else "no synthetic patients")
