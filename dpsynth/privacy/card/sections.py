"""What stands on a privacy card. All of it is public."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from dpsynth.privacy.card.method import Accounting, Implementation, Mechanism
from dpsynth.privacy.card.reports import AuditReport, Evaluation, Subgroups
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

SCHEMA_URL = "urn:dpsynth:privacy-card:1"
NOT_SIGNED = "not signed yet"
ADJACENCY = "add or remove one unit with all its records"


class File(Section):
    """A released file."""

    name: Words
    sha256: Hash


class Identity(Section):
    """Which release this is."""

    card_version: Literal[1] = 1
    dataset: Words
    model: Words
    date: Day
    code_version: Words
    commit: Words
    """Commit of the code, or why it is unknown."""
    lock: Words
    """Hash of the pinned dependencies, or why it is unknown."""
    curator: Words = "not stated"
    """Who answers for the data."""
    sector: Words = "health"
    region: Words = "not stated"
    intended_use: Annotated[tuple[Words, ...], Field(min_length=1)] = (
        "Developing and comparing statistical and machine-learning methods",
        "Testing software and teaching",
    )
    forbidden_use: Annotated[tuple[Words, ...], Field(min_length=1)] = (
        "Trying to find or recognise any person",
        "Decisions about the care of any patient",
    )
    files: tuple[File, ...] = ()
    """Every released file; empty until the release is made."""


class Size(Section):
    """How many units there are, as far as anybody may know."""

    status: Literal["public", "noised", "not used"]
    shown: OneOrMore | None
    """The public or noised number that the run used."""
    how: Words
    """Who made it public, or how it was noised and at what cost."""


class Promise(Section):
    """What is promised, in the numbers that were chosen."""

    unit: Words
    """What one unit of privacy is: patient, ICU stay, lesion."""
    most_records_per_unit: OneOrMore
    enforced: Words
    """How a unit is kept to that number of records."""
    epsilon: Epsilon
    """Rounded up at two decimals."""
    delta: Annotated[float, Field(gt=0, lt=1)]
    delta_rule: Words
    """How delta was chosen, without looking at the data."""
    size: Size
    variant: Literal["(epsilon, delta)-differential privacy, central model"] = (
        "(epsilon, delta)-differential privacy, central model"
    )
    adjacency: Literal["add or remove one unit with all its records"]


class EpsilonAt(Section):
    """One point of the privacy profile."""

    delta: Delta
    epsilon: Epsilon


class TradeOff(Section):
    """One point of the trade-off curve: what no attacker exceeds."""

    false_positive_rate: Share
    true_positive_rate_at_most: Share


class MuGDP(Section):
    """The nearest Gaussian promise that is not stronger than the one made."""

    mu: Epsilon
    regret: Share
    """How far the Gaussian curve lies below the true one, in error rates, at most."""
    delta_from: Delta
    """Smallest delta at which it was checked."""


class Guarantee(Promise):
    """The promise and what follows from it."""

    epsilon_at: Annotated[tuple[EpsilonAt, ...], Field(min_length=2)]
    mu_gdp: MuGDP
    tpr_at: Annotated[tuple[TradeOff, ...], Field(min_length=3)]
    """At false-positive rates of 0.1, 1 and 10 percent."""
    trade_off: Annotated[tuple[TradeOff, ...], Field(min_length=5)]
    attack_advantage_at_most: Share
    """Largest true-positive rate minus false-positive rate of any attacker."""


class Access(Section):
    """One kind of access to real data."""

    status: Literal["covered", "not covered", "no access"]
    how: Words


class Accesses(Section):
    """Every kind of access to real data; each is covered by the promise, or said not to be."""

    reading: Access
    preprocessing: Access
    labels: Access
    tuning: Access
    early_stopping: Access
    evaluation: Access


class Composition(Section):
    """All releases from these patients together, this one among them, from the ledger."""

    runs: OneOrMore
    epsilon: Epsilon
    """As the ledger counts it, at delta."""
    delta: Delta
    method: Words
    """How the ledger counts, and what it takes for that to hold."""
    added_epsilon: Epsilon
    """The same by adding up the epsilons of all runs."""
    added_delta: Delta
    """The sum of all deltas, which goes with that."""
    unprotected: Count
    """Internal accesses without protection."""


class Scope(Section):
    """What the promise covers and what it does not."""

    accesses: Accesses
    private_columns: tuple[Words, ...]
    """Columns that are modelled under the promise."""
    public_columns: tuple[Words, ...]
    """Columns that are generated without touching real data."""
    assumed_public: tuple[Words, ...]
    """Facts that were read from real values without protection."""
    unprotected: tuple[Words, ...]
    """Every other quantity that the promise does not cover."""
    public_data: Words
    """Public data and pretraining."""
    copies: Count
    """Synthetic copies generated; they cost nothing more."""
    composition: Composition


class Tiered(Section):
    """Who may have it, by whose rules, and what those rules hold against the guarantee."""

    status: Literal["chosen"] = "chosen"
    name: Words
    audience: Words
    """Who may have it."""
    epsilon_at_most: Annotated[float, Field(gt=0)]
    delta_exponent: Annotated[float, Field(ge=1)]
    """Delta must be below P^-delta_exponent, P the size that this card shows."""
    of: Literal["run", "population"]
    """What is held against both: this run, or all runs on these patients together."""
    report: Literal["shareable", "none"]
    """What of reports may go with the data."""
    owner: Words
    """Who decided on these rules."""
    policy_sha256: Hash
    """Of the policy's canonical bytes."""


class NoTier(Section):
    """Nobody said who may have it."""

    status: Literal["none"] = "none"
    reason: Words


Tier = Annotated[Tiered | NoTier, Field(discriminator="status")]


class Signature(Section):
    """Who stands for this card."""

    signer: Words = NOT_SIGNED
    schema_url: Literal["urn:dpsynth:privacy-card:1"] = "urn:dpsynth:privacy-card:1"


class Card(Section):
    """The privacy card of one release of synthetic data."""

    identity: Identity
    guarantee: Guarantee
    scope: Scope
    mechanism: Mechanism
    accounting: Accounting
    implementation: Implementation
    audit: AuditReport
    evaluation: Evaluation
    subgroups: Subgroups
    tier: Tier
    signature: Signature

    @model_validator(mode="after")
    def _sections_agree(self) -> Card:
        faults = list(_disagreements(self))
        if faults:
            raise ValueError("; ".join(faults))
        return self


def _disagreements(card: Card) -> list[str]:
    promised, shown = card.guarantee, card.guarantee.epsilon
    together = card.scope.composition
    accesses = {k: getattr(card.scope.accesses, k) for k in Accesses.model_fields}
    open_doors = [k for k, a in accesses.items() if a.status == "not covered"]
    at_delta = [p.epsilon for p in promised.epsilon_at if p.delta == promised.delta]
    checks = [
        (round(shown * 100) / 100 != shown, f"guarantee.epsilon {shown!r} has over two decimals"),
        (
            card.accounting.epsilon > shown,
            f"guarantee.epsilon {shown!r} is less than accounting.epsilon "
            f"{card.accounting.epsilon!r}: it is rounded up, never down",
        ),
        (
            any(e > shown for e in at_delta),
            f"guarantee.epsilon_at says {max(at_delta, default=0.0)!r} at the promised delta, "
            f"more than guarantee.epsilon {shown!r}",
        ),
        (
            together.added_epsilon < shown or together.added_delta < promised.delta,
            "scope.composition adds up to less than the guarantee; it must hold this release too",
        ),
        (
            "internal" in (card.evaluation.status, card.subgroups.status)
            and "evaluation" not in open_doors,
            "scope.accesses.evaluation must say not covered: an internal report read real data",
        ),
        (
            bool(open_doors) and not card.scope.unprotected,
            f"scope.accesses says not covered ({', '.join(open_doors)}) and scope.unprotected "
            "names nothing",
        ),
    ]
    return [words for wrong, words in checks if wrong]
