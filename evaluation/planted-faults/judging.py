"""When a row of a report is an alarm: fixed before anything was planted, the same for all.

Each metric is asked as the report asks its reader to: is the value surely worse than what it is
held against? A rule's `nominal` is its rate of false alarms at most, where nothing is planted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dpsynth.evaluation.bias import ADDED
from dpsynth.evaluation.evaluation import Row
from dpsynth.evaluation.leakage import CHANCE
from dpsynth.evaluation.verdict import lower

LEVEL = 0.05
LARGE = 0.1  # of a gap that is worth a word by itself


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A test of one row.

    Attributes:
        says: the rule in plain words.
        flags: whether the row is an alarm.
    """

    says: str
    flags: Callable[[Row], bool]


def apart(row: Row) -> bool:
    """Whether the intervals of value and reference have nothing in common, to the worse side."""
    above = row.value.low > row.real.high
    below = row.value.high < row.real.low
    return {"lower": above, "higher": below, "match": above or below}[row.better]


def beyond_chance(row: Row) -> bool:
    """Whether the one-sided lower bound lies above what an attacker reaches who knows nothing."""
    return lower(row.value, LEVEL) > CHANCE.get(row.metric, 0.5)


def improbable(row: Row) -> bool:
    """Whether a p-value is at most LEVEL."""
    return row.value.value <= LEVEL


def not_zero(row: Row) -> bool:
    """Whether the interval of a difference leaves 0 out."""
    return row.value.low > 0 or row.value.high < 0


def surely_large(row: Row) -> bool:
    """Whether a gap is surely larger than LARGE."""
    return row.value.low > LARGE


APART = Rule(says="interval of the copy apart from that of the reference", flags=apart)
BEYOND = Rule(says="one-sided 95 % bound above chance", flags=beyond_chance)
IMPROBABLE = Rule(says="p-value at most 0.05", flags=improbable)
NOT_ZERO = Rule(says="interval of the difference leaves 0 out", flags=not_zero)

SURELY_LARGE = Rule(says="interval above 0.1", flags=surely_large)

RULES = {
    **dict.fromkeys([*CHANCE, "group_membership_auc"], BEYOND),
    **dict.fromkeys([*ADDED, "gap_by_generator", "gap_by_privacy"], NOT_ZERO),
    **dict.fromkeys(["c2st_p", "worst_gap_p"], IMPROBABLE),
    "gap_already_there": SURELY_LARGE,
}


def rule_of(metric: str) -> Rule:
    """The rule for a metric's rows."""
    return RULES.get(metric, APART)


def alarm(row: Row) -> bool:
    """Whether a row that has a value is an alarm."""
    return row.value.assessable and rule_of(row.metric).flags(row)
