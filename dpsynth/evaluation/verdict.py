"""The four questions of a data steward, answered in plain words from the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.stats import norm

from dpsynth.evaluation.estimate import NORMAL_95, Estimate
from dpsynth.evaluation.evaluation import Evaluation, Row, apart
from dpsynth.evaluation.labels import bound, rounded
from dpsynth.evaluation.leakage import CHANCE
from dpsynth.evaluation.leakage.claimed import Implied, implied

Level = Literal["good", "fair", "poor", "unknown"]
GOOD, FAIR = 0.8, 0.5  # share of the way from the control to real patients
FALSE_ALARMS = 0.025  # of the group and leak warnings, about, over all groups or attacks together
WORSE = 0.05  # AUC that a group loses beyond everyone's loss, to be called poor
LEAST = 0.005  # AUC lost beyond everyone's loss that is worth a word
WEAKEST = 4  # measures that are named
SLIGHT = 0.6  # AUC of an attack below which a leak is called slight
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
    order = sorted(reached, key=lambda title: reached[title])
    middle = float(np.median(list(reached.values())))
    why = [
        f"0 % is a naive stand-in, 100 % other real patients. Of {len(order)} measures the copy "
        f"reaches {middle:.0%} in the middle."
    ]
    weak = [f"{title.lower()} {reached[title]:.0%}" for title in order if reached[title] < GOOD]
    if weak:
        more = len(weak) - WEAKEST
        why.append(
            f"Weakest points: {', '.join(weak[:WEAKEST])}"
            + (f"; {more} more below {GOOD:.0%}." if more > 0 else ".")
        )
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
    found = [r for r in rows if _leaks(r, alpha, CHANCE.get(r.metric))]
    if found:
        read = tuple(r.reading for r in found)
        if all(r.metric.endswith("_auc") and r.value.value < SLIGHT for r in found):
            slight = "An attacker hardly gains by guessing with it, but it is there beyond chance."
            return Verdict(question, "fair", "Slightly", (*read, slight))
        return Verdict(question, "poor", "Yes", read)
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

    A guarantee caps every attack (`leakage.claimed`). One that surely recognises more of the
    members is a fault. With k attacks each is held against a 1 - FALSE_ALARMS / k bound, so that
    a claim that holds is called contradicted in FALSE_ALARMS of cases at most.
    """
    question, claim = "What is guaranteed?", implied(privacy)
    limits = (
        "The measurements on this page describe one copy and a few attackers; they can show a "
        "leak but never rule one out."
    )
    if claim is None:
        none = "No differential privacy guarantee was given with this copy."
        return Verdict(question, "unknown", "Nothing, as far as this report knows", (none, limits))
    said = stated(claim)
    above = beyond(evaluation, claim)
    if not above:
        return Verdict(question, "good", "A formal guarantee is claimed", (said, limits))
    against = tuple(
        f"But an attack surely exceeds what this guarantee allows: {row.title} is "
        f"{rounded(row.value.value)}, and could be {bound(most)} at most."
        for row, most in above
    )
    end = "Do not release this copy."
    return Verdict(question, "poor", "The claimed guarantee is contradicted", (said, *against, end))


def stated(claim: Implied) -> str:
    """The claim in a sentence."""
    delta = f" and delta = {claim.delta:g}" if claim.delta else ""
    return (
        f"Differential privacy with epsilon = {claim.epsilon:g}{delta}, as the privacy card "
        "claims; this report does not check how it was computed."
    )


def beyond(evaluation: Evaluation, claim: Implied) -> list[tuple[Row, float]]:
    """Attacks that surely reach more than the claim allows, and what it allows."""
    rows = [(row, claim.most(row.metric)) for row in evaluation.family("leakage")]
    held = [(row, most) for row, most in rows if most is not None and row.value.assessable]
    alpha = FALSE_ALARMS / max(len(held), 1)
    return [(row, most) for row, most in held if lower(row.value, alpha) > most]
