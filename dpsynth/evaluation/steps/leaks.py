"""The rows about leakage: the copy attacked, then fresh patients, then a plain copy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from dpsynth.data.codec import Tokens
from dpsynth.evaluation import leakage
from dpsynth.evaluation.case import Case, Step
from dpsynth.evaluation.estimate import Estimate, subsample
from dpsynth.evaluation.evaluation import Row, row
from dpsynth.evaluation.leakage import inference, scores
from dpsynth.evaluation.leakage.copies import flat
from dpsynth.evaluation.leakage.nearest import Distances, nearest
from dpsynth.evaluation.metric import Metric

ATTACKED = 5000  # members, and as many outsiders, at most
SEARCHED = 10_000  # synthetic patients that the attack looks through, at most
GUESSED = 2000  # members, and as many outsiders, whose secrets are guessed, at most


@dataclass(frozen=True, kw_only=True)
class Attacked:
    """Who is attacked, and with whom.

    Attributes:
        members: trained-on patients, also as a plain copy of themselves.
        outsiders: as many patients who were not.
        fresh: two parts of the other patients who were not: the attacker's own patients, or
            one in place of the copy and one as the attacker's own.
        copy: the synthetic patients that are looked through.
    """

    members: Tokens
    outsiders: Tokens
    fresh: tuple[Tokens, Tokens]
    copy: Tokens


def steps(case: Case) -> Iterator[Step]:
    """Copies, membership attacks, and secrets if there are any."""
    yield "copies", lambda: copy_rows(case)
    yield "membership", lambda: membership_rows(case)
    if inference.secrets(case.schema, case.codec):
        yield "secrets", lambda: secret_rows(case)


def remarks(case: Case) -> list[str]:
    """A copy without patients, and caps that took effect."""
    found = [] if len(case.synthetic) else ["there are no synthetic patients"]
    if len(case.synthetic) > SEARCHED:
        found.append(f"attacks look through {SEARCHED:,} synthetic patients, at random")
    if min(len(case.train), len(case.holdout) // 2) > ATTACKED:
        found.append(f"{ATTACKED:,} trained-on and {ATTACKED:,} other patients are attacked")
    return found


def attacked(case: Case) -> Attacked:
    """The patients of all attacks, drawn once."""
    return case.once("attacked", _drawn)


def _drawn(case: Case) -> Attacked:
    rng = case.rng(4)
    members, outsiders = case.train.tokens, case.holdout.tokens
    same = min(len(members), len(outsiders))
    outsiders = outsiders.take(subsample(len(outsiders), same, rng))
    order = rng.permutation(same)
    known, fresh = np.split(order, [max(min(same // 2, ATTACKED), 1)])
    fresh = fresh[: 2 * SEARCHED]
    first, second = np.split(fresh, [len(fresh) // 2])
    return Attacked(
        members=members.take(subsample(len(members), len(known), rng)),
        outsiders=outsiders.take(known),
        fresh=(outsiders.take(first), outsiders.take(second)),
        copy=case.synthetic.tokens.take(subsample(len(case.synthetic), SEARCHED, rng)),
    )


def copy_rows(case: Case) -> list[Row]:
    """Exact copies."""
    synthetic, members, outsiders = (
        each.tokens for each in (case.synthetic, case.train, case.holdout)
    )
    metric = leakage.COPIES["copy_rate"]
    by_chance = scaled(metric.measure(synthetic, outsiders), len(members) / len(outsiders))
    rates = (metric.measure(synthetic, members), by_chance, metric.measure(members, members))
    return [row("copy_rate", "leakage", metric, *rates)]


def membership_rows(case: Case) -> list[Row]:
    """Each membership attack, on the copy, on fresh patients and on a plain copy."""
    known, rows = distances(case), []
    for name, attack in leakage.ATTACKS.items():
        rows += attack_rows(leakage.ON[name], [attack(each) for each in known], case.seed)
    return rows


def distances(case: Case) -> tuple[Distances, Distances, Distances]:
    """Of the attacked: to the copy, to fresh patients, to themselves; worked out once."""
    return case.once("distances", _all_distances)


def _all_distances(case: Case) -> tuple[Distances, Distances, Distances]:
    sides = attacked(case)
    first, second = (_far(sides, each) for each in sides.fresh)
    both = np.minimum(first, second)
    return (
        _distances(sides, sides.copy, _far(sides, sides.copy), both),
        _distances(sides, sides.fresh[0], first, second),
        _distances(sides, sides.members, _far(sides, sides.members), both),
    )


def _far(sides: Attacked, others: Tokens) -> np.ndarray:
    """How far members and outsiders are from others."""
    return np.concatenate([nearest(each, others) for each in (sides.members, sides.outsiders)])


def _distances(
    sides: Attacked, copy: Tokens, to_copy: np.ndarray, to_others: np.ndarray
) -> Distances:
    return Distances(
        member=np.repeat([True, False], [len(sides.members), len(sides.outsiders)]),
        to_copy=to_copy,
        to_others=to_others,
        codes=flat(sides.members).shape[1],
        note="" if len(copy) else "no synthetic patients",
    )


def attack_rows(
    metrics: Mapping[str, Metric[leakage.OnAttack]], made: list[leakage.Attack], seed: int
) -> list[Row]:
    """The rows of one attack: on the copy, on what it should reach, on the worst."""
    return [
        row(name, "leakage", metric, *(metric.measure(each, seed=seed) for each in made))
        for name, metric in metrics.items()
    ]


def score_rows(members: np.ndarray, outsiders: np.ndarray, name: str, seed: int = 0) -> list[Row]:
    """The same rows for scores of patients that come from elsewhere, such as minus the loss.

    Args:
        members, outsiders: as `scores.scored` takes them.
        name: of the attack, in the titles; the rows' metrics are named "score_auc" and so on.
        seed: of bootstraps, and of the random members of the reference.
    """
    made = scores.scored(members, outsiders)
    metrics = {
        each.replace("membership", "score"): replace(
            metric,
            title=f"{metric.title}, by {name}",
            real="members drawn at random",
            control="an attacker who knows",
        )
        for each, metric in leakage.ON["nearest"].items()
    }
    return attack_rows(metrics, [made, scores.blind(made, seed), scores.sighted(made)], seed)


def secret_rows(case: Case) -> list[Row]:
    """Each sensitive column, and the label, guessed of members and of outsiders."""
    sides, rng = attacked(case), case.rng(16)
    wanted, metric = inference.secrets(case.schema, case.codec), leakage.SECRETS
    members, outsiders = (
        each.take(subsample(len(each), GUESSED, rng)) for each in (sides.members, sides.outsiders)
    )
    places, copies = list(wanted.values()), (sides.copy, sides.fresh[0], members)
    right = [
        [inference.guessed(each, copy, places, case.codec) for each in (members, outsiders)]
        for copy in copies
    ]
    return [
        row(
            name,
            "leakage",
            judge,
            *(judge.measure(a[:, at], b[:, at], seed=case.seed) for a, b in right),
            group=column,
        )
        for name, judge in metric.items()
        for at, column in enumerate(wanted)
    ]


def scaled(share: Estimate, times: float) -> Estimate:
    """A rate of coincidence among `times` as many real patients (at most, so an alarm is sure)."""
    value, low, high = (min(each * times, 1.0) for each in (share.value, share.low, share.high))
    return Estimate(value, low, high, share.n, share.note)
