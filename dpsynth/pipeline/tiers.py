"""The tier of a policy that a run is trained for, or a release goes out under.

What is checked when, before and after a run spends anything:
    1. Before any record is read, and before anything is spent: epsilon; delta where P is public;
       that the run will have an audit, and no fact read from values, where the tier demands it;
       and what all runs together would come to, where it counts those.
    2. With `population: private` P is counted with noise first, and the bound on delta follows
       from the noised P. A delta that is left out is chosen below it and never refused. A given
       one can be held against it only then, and so can what all runs together would come to: if
       it is too much the run is refused before its plan is reserved, no model is trained, and the
       count's epsilon stays spent.
    3. `release` and `verify` hold the card against the tier again (`privacy.card.keeping`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dpsynth.errors import InputError, PromiseError
from dpsynth.privacy.budget import reported
from dpsynth.privacy.ledger import Cost, Ledger
from dpsynth.privacy.policy import Policy, Tier, load_policy
from dpsynth.schema import Schema


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A tier, and the policy that it stands in."""

    policy: Policy
    tier: Tier


def chosen_tier(tier: str | None, policy: str | Path | None) -> Chosen | None:
    """The tier of that name in a policy's file, or in dpsynth's own; none if none is named.

    Raises:
        InputError: if there is no such tier, the file is no policy, or it has no use.
    """
    if tier is None:
        if policy is not None:
            raise InputError("a policy file does nothing by itself; name one of its tiers too")
        return None
    held = load_policy(None if policy is None else Path(policy))
    return Chosen(policy=held, tier=held.tier(tier))


def epsilon_for(kept: Chosen | None, epsilon: float | None) -> float:
    """The run's epsilon: as given, or the tier's.

    Raises:
        InputError: if there is neither.
        PromiseError: if it is above the tier's.
    """
    if kept is None:
        if epsilon is None:
            raise InputError("a run needs an epsilon, or a tier that has one")
        return epsilon
    most = float(kept.tier.epsilon)
    # Not "epsilon > most": that lets NaN pass.
    if epsilon is not None and not reported(epsilon) <= most:
        raise PromiseError(
            f"epsilon {epsilon:g} is above tier {kept.tier.name}'s {most:g}; ask for less, or for "
            "a tier that allows it"
        )
    return most if epsilon is None else epsilon


def delta_for(
    kept: Chosen | None, delta: float | None, population: int, *, counted: float = 0.0
) -> float | None:
    """The run's delta: as given, or one below the tier's bound; without a tier as given.

    Args:
        kept: the tier.
        delta: none for the default.
        population: P, public or noised.
        counted: what noising it has cost already.

    Raises:
        PromiseError: if it is not below the bound.
    """
    if kept is None:
        return delta
    if delta is None:
        return kept.tier.delta(population)
    if not kept.tier.holds_delta(delta, population):
        exponent = kept.tier.delta_exponent
        lost = f"; counting them has spent epsilon {counted:g}, for good" if counted else ""
        raise PromiseError(
            f"delta {delta:g} is not below tier {kept.tier.name}'s {population}^-{exponent:g}, "
            f"about {kept.tier.delta_below(population):.2g}; leave it out for "
            f"{kept.tier.delta(population):g}{lost}"
        )
    return delta


def check_settings(kept: Chosen | None, schema: Schema, audit: bool) -> None:
    """Refuse what no release of the tier could come of.

    Raises:
        PromiseError: saying what.
    """
    if kept is None:
        return
    if kept.tier.audit and not audit:
        raise PromiseError(f"tier {kept.tier.name} demands an audited run; leave --no-audit out")
    if schema.assumed_public and not kept.tier.assumed_public:
        raise PromiseError(
            f"tier {kept.tier.name} does not allow facts that were read from values without "
            f"protection ({', '.join(schema.assumed_public)}); state them in the schema, or have "
            "them found (private: true)"
        )


def check_together(
    kept: Chosen | None, book: Ledger, population: str, asked: Cost, size: int | None
) -> None:
    """Refuse a run with which all runs together would pass a tier that counts them; writes nothing.

    Args:
        kept: the tier.
        book: the ledger; a population that it does not know has spent nothing.
        population: whose patients.
        asked: what the run is about to ask.
        size: P, or none while it is not known; then epsilon alone is looked at.

    Raises:
        PromiseError: saying what all of it would come to.
    """
    if kept is None or kept.tier.of != "population" or population not in book.populations():
        return
    sums = book.spent(population, [asked])
    pairs = [(sums.epsilon, sums.delta)]
    if sums.adaptive_epsilon is not None and sums.firm:
        pairs.append((sums.adaptive_epsilon, sums.at_delta))
    for epsilon, delta in pairs:
        small = size is None or kept.tier.holds_delta(delta, size)
        if reported(epsilon) <= kept.tier.epsilon and small:
            return
    had = ", or ".join(f"epsilon {reported(e):g} at delta {d:g}" for e, d in pairs)
    raise PromiseError(
        f"with this run, all runs on population {population!r} together would come to {had}; tier "
        f"{kept.tier.name} allows epsilon {kept.tier.epsilon:g} for all of them, with delta below "
        f"P^-{kept.tier.delta_exponent:g}: ask for less, or for another tier"
    )
