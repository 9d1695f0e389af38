"""The rows about leakage: the copy attacked, then fresh patients, then a plain copy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dpsynth.data.codec import Tokens
from dpsynth.evaluation import leakage
from dpsynth.evaluation.case import Case, Step
from dpsynth.evaluation.estimate import Estimate, subsample
from dpsynth.evaluation.evaluation import Row, row

ATTACKED = 1000  # members, and as many outsiders, at most
SEARCHED = 10_000  # synthetic patients that the attack looks through, at most


def steps(case: Case) -> Iterator[Step]:
    """One step."""
    yield "leakage", lambda: leakage_rows(case)


def remarks(case: Case) -> list[str]:
    """A copy without patients."""
    return [] if len(case.synthetic) else ["there are no synthetic patients"]


def leakage_rows(case: Case) -> list[Row]:
    """Copies, and the membership attack, beside fresh patients and a plain copy."""
    synthetic = case.synthetic.tokens
    members, outsiders = case.train.tokens, case.holdout.tokens
    metric = leakage.COPIES["copy_rate"]
    by_chance = scaled(metric.measure(synthetic, outsiders), len(members) / len(outsiders))
    rates = (metric.measure(synthetic, members), by_chance, metric.measure(members, members))
    rows = [row("copy_rate", "leakage", metric, *rates)]
    for name, judge in leakage.METRICS.items():
        value, real, control = (judge.measure(made, seed=case.seed) for made in attacks(case).made)
        rows.append(row(name, "leakage", judge, value, real, control))
    return rows


@dataclass(frozen=True)
class Attacks:
    """The membership attack on the same patients, by what they are looked for in.

    Attributes:
        members, outsiders: the attacked patients, in this order.
        made: in the copy, in fresh patients, in the members themselves.
    """

    members: Tokens
    outsiders: Tokens
    made: tuple[leakage.Attack, leakage.Attack, leakage.Attack]


def attacks(case: Case) -> Attacks:
    """The attacks, made once."""
    return case.once("attacks", _attacks)


def _attacks(case: Case) -> Attacks:
    rng, synthetic = case.rng(4), case.synthetic.tokens
    members, outsiders = case.train.tokens, case.holdout.tokens
    same = min(len(members), len(outsiders))
    outsiders = outsiders.take(subsample(len(outsiders), same, rng))
    order = rng.permutation(same)
    attacked = outsiders.take(order[: max(min(same // 2, ATTACKED), 1)])
    fresh = outsiders.take(order[len(attacked) :])
    members = members.take(subsample(len(members), len(attacked), rng))
    searched = synthetic.take(subsample(len(synthetic), SEARCHED, rng))
    copy, other, own = (
        leakage.attack(members, attacked, each) for each in (searched, fresh, members)
    )
    return Attacks(members, attacked, (copy, other, own))


def scaled(share: Estimate, times: float) -> Estimate:
    """A rate of coincidence among `times` as many real patients (at most, so an alarm is sure)."""
    value, low, high = (min(each * times, 1.0) for each in (share.value, share.low, share.high))
    return Estimate(value, low, high, share.n, share.note)
