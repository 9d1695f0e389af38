"""Whether what a card says keeps to a tier of a policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dpsynth.privacy.card.sections import Tiered
from dpsynth.privacy.policy import Policy, Tier


def tiered(policy: Policy, tier: Tier) -> Tiered:
    """The card's section on who may have it."""
    return Tiered(
        name=tier.name,
        audience=tier.audience,
        epsilon_at_most=float(tier.epsilon),
        delta_exponent=float(tier.delta_exponent),
        of=tier.of,
        report=tier.report,
        owner=policy.owner,
        policy_sha256=policy.sha256,
    )


def faults(card: Mapping[str, Any], tier: Tier, *, signed: bool) -> list[str]:
    """Everything by which a release does not keep to its tier, in words; empty if it does.

    Guarantee:
        Looks at the card alone, so that whoever has a release finds what its maker found.

    Args:
        card: checked JSON, as it is to be released.
        tier: of the policy.
        signed: whether the release is.
    """
    return [*_too_much(card, tier), *_lacking(card, tier, signed)]


def _too_much(card: Mapping[str, Any], tier: Tier) -> Iterator[str]:
    """The guarantee, or all runs together, held against the tier's epsilon and delta."""
    promised, together = card["guarantee"], card["scope"]["composition"]
    size = promised["size"]["shown"]
    pairs = [(promised["epsilon"], promised["delta"])]
    what = "this run has"
    if tier.of == "population":
        # Each of the two holds on its own, so that one which keeps to the tier is enough.
        pairs = [(together[f"{how}epsilon"], together[f"{how}delta"]) for how in ("", "added_")]
        what = f"all {together['runs']} runs on these patients together have"
    if size is None:
        yield "the card shows no number of units, which the bound on delta follows from"
        return
    if any(e <= tier.epsilon and tier.holds_delta(d, size) for e, d in pairs):
        return
    had = ", or ".join(f"epsilon {e:g} at delta {d:g}" for e, d in dict.fromkeys(pairs))
    yield (
        f"{what} {had}, and it allows epsilon {tier.epsilon:g} with delta below "
        f"{size}^-{tier.delta_exponent:g}, about {tier.delta_below(size):.2g}"
    )


def _lacking(card: Mapping[str, Any], tier: Tier, signed: bool) -> Iterator[str]:
    """What the tier demands besides."""
    audit = card["audit"]
    if tier.audit and audit.get("verdict") != "consistent":
        yield (
            "it demands an audit that is consistent with the claim, and the run's is "
            f"{audit.get('verdict', audit['status'])}"
        )
    if tier.subgroups and card["subgroups"]["status"] == "not assessed":
        yield (
            "it demands that somebody looked at subgroups: evaluate the copy with sensitive "
            "attributes marked in the schema, and give --report"
        )
    if tier.signature and not signed:
        yield "it demands a signature: give --key"
    assumed = card["scope"]["assumed_public"]
    if not tier.assumed_public and assumed:
        yield (
            f"it does not allow facts that were read from values without protection "
            f"({', '.join(assumed)}): state them in the schema, and train again"
        )
