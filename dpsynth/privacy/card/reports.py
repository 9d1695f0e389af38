"""Sections that hold figures about patients, or say why they hold none.

A figure about real patients, training or holdout, is on a card only if it was computed under
differential privacy, with its cost. Otherwise there is the word `internal` and the date of the
report that stayed inside. Rounding and leaving out small cells are not protection.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dpsynth.privacy.card.words import (
    Count,
    Day,
    Delta,
    Epsilon,
    Hash,
    OneOrMore,
    Section,
    Share,
    Words,
)


class NotAssessed(Section):
    """Nobody looked, and why."""

    status: Literal["not assessed"] = "not assessed"
    reason: Words
    """Why it was not assessed."""


class Internal(Section):
    """Somebody looked, in a report that stays with the data."""

    status: Literal["internal"] = "internal"
    date: Day
    """Date of the internal report."""
    looked_at: tuple[Words, ...] = ()
    """Public names of what the report covers: metrics, attributes, intersections."""


class Cost(Section):
    """What figures computed under differential privacy cost; it is on the ledger."""

    epsilon: Epsilon
    delta: Delta
    mechanism: Words


class Metric(Section):
    """One measured figure with its interval."""

    metric: Words
    value: float
    low: float
    high: float
    n: Count
    """Number of synthetic records, or a noisy or public number of real ones."""
    seeds: OneOrMore
    reference: Words
    """What the value is to be compared with."""


class PrivateEvaluation(Section):
    """Metrics computed under differential privacy."""

    status: Literal["computed under DP"] = "computed under DP"
    metrics: Annotated[tuple[Metric, ...], Field(min_length=1)]
    cost: Cost


class Subgroup(Section):
    """One group, or an intersection of groups."""

    group: Words
    noisy_count: float
    share_shift: float
    """Share in the synthetic data minus noisy share in the real data."""
    gap: Metric | None = None
    """Difference of a utility metric between this group and the rest."""
    gap_change: Metric | None = None
    """How the gap differs between models trained on synthetic and on real data."""


class PrivateSubgroups(Section):
    """A subgroup report computed under differential privacy."""

    status: Literal["computed under DP"] = "computed under DP"
    attributes: Annotated[tuple[Words, ...], Field(min_length=1)]
    groups: Annotated[tuple[Subgroup, ...], Field(min_length=1)]
    not_assessable: tuple[Words, ...]
    """Groups with too few patients for any statement."""
    cost: Cost


class AuditTest(Section):
    """One test of the audit."""

    name: Words
    p: Share
    """Chance of a result at least as bad if the claim is right."""
    epsilon_lower_bound: Epsilon | None = None
    """What an attacker proved, or none for tests of noise and sampler alone."""


class Audit(Section):
    """What an attacker could prove about this very run."""

    status: Literal["assessed"] = "assessed"
    threat_model: Words
    canaries: OneOrMore
    commitment: Hash
    """Hash of the canaries' coins, fixed before the run."""
    estimator: Words
    alpha: Annotated[float, Field(gt=0, lt=1)]
    tests: Annotated[tuple[AuditTest, ...], Field(min_length=1)]
    false_alarm_rate: Share
    verdict: Literal["consistent", "violated", "inconclusive"]
    steps_bound: Epsilon | None
    """What an attacker proved of the DP-SGD steps alone, at 95 %, or none without steps."""
    steps_claimed: Epsilon | None
    """Epsilon of those steps alone at the card's delta: a part of the whole."""
    note: Literal["a bound is not a guarantee"] = "a bound is not a guarantee"


AuditReport = Annotated[Audit | NotAssessed, Field(discriminator="status")]
Evaluation = Annotated[PrivateEvaluation | Internal | NotAssessed, Field(discriminator="status")]
Subgroups = Annotated[PrivateSubgroups | Internal | NotAssessed, Field(discriminator="status")]
