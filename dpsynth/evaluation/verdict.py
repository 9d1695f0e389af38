"""The four questions of a data steward, answered in plain words from the rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.stats import norm

from dpsynth.evaluation.estimate import NORMAL_95, Estimate
from dpsynth.evaluation.evaluation import Evaluation, Row, apart
from dpsynth.evaluation.labels import rounded
from dpsynth.evaluation.leakage.membership import FALSE_ALARMS as ATTACKERS_ERROR

Level = Literal["good", "fair", "poor", "unknown"]
GOOD, FAIR = 0.8, 0.5  # share of the way from the control to real patients
FALSE_ALARMS = 0.025  # of the group and leak warnings, about, over all groups or attacks together
WORSE = 0.05  # AUC that a group loses beyond everyone's loss, to be called poor
LEAST = 0.005  # AUC lost beyond everyone's loss that is worth a word
SHARE = 0.02  # difference of a group's share that is worth a word


@dataclass(frozen=True)
class Verdict:
    """An answer.

    Attributes:
        question: as a steward asks it.
        level: "good", "fair", "poor", or "unknown" where it can't be assessed.
        answer: a few words.
        why: sentences with the figures behind it.
    """

    question: str
    level: Level
    answer: str
    why: tuple[str, ...]


def verdicts(evaluation: Evaluation) -> tuple[Verdict, ...]:
    """The answers, in the order of the report."""
    return likeness(evaluation), usefulness(evaluation), fairness(evaluation), leak(evaluation)


def level_of(reached: float) -> Level:
    """The level of a share of the way from the control to real patients."""
    return "good" if reached >= GOOD else "fair" if reached >= FAIR else "poor"


def likeness(evaluation: Evaluation) -> Verdict:
    """Is it like the real data? The median of what fidelity metrics reach.

    Never "mostly yes" where one of them reaches little: a copy whose columns are right and whose
    relations are not would mislead whoever uses it.
    """
    question = "Is it like the real data?"
    known = [(row, row.reached) for row in evaluation.family("fidelity")]
    reached = {row.title: share for row, share in known if share is not None}
    if not reached:
        return Verdict(question, "unknown", "Can't be assessed", ("No comparison was possible.",))
    level = level_of(float(np.median(list(reached.values()))))
    if level == "good" and level_of(min(reached.values())) == "poor":
        level = "fair"
    answer = {"good": "Mostly yes", "fair": "In part", "poor": "Hardly"}[level]
    parts = [f"{title.lower()} {share:.0%}" for title, share in reached.items()]
    why: list[str] = [
        "0 % is a naive stand-in, 100 % other real patients. The copy reaches: "
        + ", ".join(parts)
        + "."
    ]
    weakest = min(reached, key=lambda title: reached[title])
    if reached[weakest] < GOOD:
        why.append(f"Weakest point: {weakest.lower()}.")
    return Verdict(question, level, answer, tuple(why))


def usefulness(evaluation: Evaluation) -> Verdict:
    """Is it useful? How much of the real data's ranking a model from the copy keeps."""
    question, row = "Is it useful?", evaluation.headline
    if row is None:
        none = "The schema names no label, so prediction was not measured."
        return Verdict(question, "unknown", "Can't be assessed", (none,))
    if row.reached is None:
        told = apart(row) or not row.value.assessable
        none = "" if told else "A model from real data hardly beats chance here either."
        return Verdict(
            question, "unknown", "Can't be assessed", (row.reading, *filter(None, [none]))
        )
    level = level_of(row.reached)
    answer = {"good": "Yes, for prediction", "fair": "Partly", "poor": "Hardly"}[level]
    what = "pictures of real patients" if row.metric == "picture_tstr_auc" else "real patients"
    why = [
        f"A model trained on the copy ranks {what} with AUC {rounded(row.value.value)} "
        f"({rounded(row.value.low)} to {rounded(row.value.high)}); trained on real patients it "
        f"has {rounded(row.real.value)}, and chance is {rounded(row.control.value)}. "
        f"It reaches {row.reached:.0%} of the way."
    ]
    others = [r for r in evaluation.family("utility") if r.metric != row.metric]
    weak = [r.title for r in others if r.reached is not None and r.reached < FAIR]
    if weak:
        why.append(f"Less than half of the way: {'; '.join(weak)}.")
    return Verdict(question, level, answer, tuple(why))


def fairness(evaluation: Evaluation) -> Verdict:
    """For whom is it worse? Groups that lose clearly more than everyone together.

    With k groups each is held against a 1 - FALSE_ALARMS / k bound (everyone's loss taken as
    known), so that groups that lose as everyone give a warning in FALSE_ALARMS of cases. What is
    less than LEAST is no warning: a classifier that ranks nobody loses exactly nothing anywhere.
    """
    question = "For whom is it worse?"
    losses = [r for r in evaluation.family("bias") if r.metric == "auc_loss"]
    held = [r for r in losses if r.value.assessable and not r.value.note]
    shares = _shares(evaluation)
    if not held:
        none = "No sensitive group has enough events to compare predictions."
        return Verdict(question, "unknown", "Can't be assessed", (none, *shares))
    worse = [
        r
        for r in held
        if lower(r.value, FALSE_ALARMS / len(held)) > r.real.value
        and r.value.value - r.real.value >= LEAST
    ]
    most = max((r.value.value - r.real.value for r in worse), default=0.0)
    level: Level = "poor" if most > WORSE else "fair" if worse or shares else "good"
    why = tuple(
        f"{r.group}: loses {rounded(r.value.value)} AUC by training on the copy, "
        f"everyone together {rounded(r.real.value)}."
        for r in worse
    )
    skipped = len(losses) - len(held)
    why += (
        f"{len(held)} groups compared"
        + (f", {skipped} not assessable (too few events)." if skipped else "."),
    )
    answer = "Some groups lose more" if worse else "No group clearly loses more"
    return Verdict(question, level, answer, why + shares)


def _shares(evaluation: Evaluation) -> tuple[str, ...]:
    """Groups whose share in the copy is clearly off."""
    rows = [r for r in evaluation.family("bias") if r.metric == "group_share"]
    return tuple(
        f"{r.group}: {r.value.value:.1%} of the copy, {r.real.value:.1%} of real patients."
        for r in rows
        if r.value.assessable and _apart(r, len(rows))
    )


def _apart(row: Row, groups: int) -> bool:
    a, b, alpha = row.value, row.real, FALSE_ALARMS / groups / 2
    above = lower(a, alpha) > upper(b, alpha)
    below = upper(a, alpha) < lower(b, alpha)
    return (above or below) and abs(a.value - b.value) > SHARE


def leak(evaluation: Evaluation) -> Verdict:
    """Does it leak? Attacks that beat what fresh real patients and chance would give."""
    question = "Does it leak?"
    rows = [r for r in evaluation.family("leakage") if r.value.assessable and not r.value.note]
    if not rows:
        return Verdict(question, "unknown", "Can't be assessed", ("No attack was possible.",))
    alpha = FALSE_ALARMS / len(rows)
    chance = {"membership_auc": 0.5, "membership_tpr": ATTACKERS_ERROR, "picture_copies": 0.0}
    found = [r for r in rows if _leaks(r, alpha, chance.get(r.metric))]
    if found:
        return Verdict(question, "poor", "Yes", tuple(r.reading for r in found))
    why = (
        f"{len(rows)} simple attacks found nothing beyond chance. That is no proof of privacy: "
        "only a differential privacy guarantee is.",
        *(r.reading for r in rows if r.metric == "membership_auc"),
    )
    return Verdict(question, "good", "No leak was found", why)


def _leaks(row: Row, alpha: float, chance: float | None) -> bool:
    """Whether a value is surely worse than what fresh patients, or chance, would give."""
    if row.better == "higher":
        return upper(row.value, alpha) < lower(row.real, alpha)
    return lower(row.value, alpha) > (upper(row.real, alpha) if chance is None else chance)


def lower(estimate: Estimate, alpha: float) -> float:
    """One-sided lower bound at `alpha`, by widening the 95 % interval as a normal's."""
    return estimate.value - (estimate.value - estimate.low) * _stretch(alpha)


def upper(estimate: Estimate, alpha: float) -> float:
    """One-sided upper bound at `alpha`."""
    return estimate.value + (estimate.high - estimate.value) * _stretch(alpha)


def _stretch(alpha: float) -> float:
    return float(norm.isf(alpha)) / NORMAL_95


def guarantee(evaluation: Evaluation, privacy: Mapping[str, Any] | None) -> Verdict:
    """What is guaranteed? The card's claim, and whether an attack contradicts it.

    An (epsilon, delta) guarantee caps any attack: at false accusations f it recognises at
    most exp(epsilon) f + delta of the members. One recognised surely above that is a fault.
    """
    question, facts = "What is guaranteed?", dict(flattened(privacy or {}))
    epsilon, delta = (_stated(facts, name) for name in ("epsilon", "delta"))
    limits = (
        "The measurements on this page describe one copy and a few attackers; they can show a "
        "leak but never rule one out."
    )
    if epsilon is None:
        none = "No differential privacy guarantee was given with this copy."
        return Verdict(question, "unknown", "Nothing, as far as this report knows", (none, limits))
    said = f"Differential privacy with epsilon = {epsilon:g}"
    said += f" and delta = {delta:g}" if delta is not None else ""
    said += ", as the privacy card claims; this report does not check how it was computed."
    row = evaluation.get("membership_tpr")
    cap = math.exp(min(epsilon, 100.0)) * ATTACKERS_ERROR + (delta or 0.0)
    if row and row.value.assessable and lower(row.value, FALSE_ALARMS) > cap:
        against = (
            f"But an attack surely recognises {rounded(row.value.value)} of the trained-on "
            f"patients, and under this guarantee it could be {rounded(cap)} at most. "
            "Do not release this copy."
        )
        return Verdict(question, "poor", "The claimed guarantee is contradicted", (said, against))
    return Verdict(question, "good", "A formal guarantee is claimed", (said, limits))


def _stated(facts: Mapping[str, Any], name: str) -> float | None:
    """The number under "guarantee" as on our cards, else the first of that name."""
    rest = (value for key, value in facts.items() if key.split(".")[-1] == name)
    value = facts.get(f"guarantee.{name}", next(rest, None))
    known = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    return float(value) if known else None


def flattened(facts: Mapping[str, Any], prefix: str = "") -> Sequence[tuple[str, Any]]:
    """Nested facts as dotted names and plain values; lists as text."""
    found: list[tuple[str, Any]] = []
    for key, value in facts.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            found += flattened(value, f"{name}.")
        elif isinstance(value, list | tuple):
            found.append((name, ", ".join(map(str, value))))
        else:
            found.append((name, value))
    return found
