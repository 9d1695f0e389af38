"""Making a card out of public facts, and refusing one that says too little."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dpsynth.errors import CardError
from dpsynth.privacy.budget import reported
from dpsynth.privacy.card.curve import FALSE_ALARMS, Curve
from dpsynth.privacy.card.method import Accounting, Implementation, Mechanism
from dpsynth.privacy.card.reports import AuditReport, Evaluation, Subgroups
from dpsynth.privacy.card.sections import (
    SCHEMA_URL,
    Card,
    EpsilonAt,
    Guarantee,
    Identity,
    MuGDP,
    NoTier,
    Promise,
    Scope,
    Signature,
    Tier,
    TradeOff,
)

SCHEMA_FILE = Path(__file__).with_name("card.schema.json")
UNTIERED = "it was trained for no tier of a policy; the release may be of one"
SLACK = 0.01  # a profile at a coarser interval is an upper bound a little above the certified one


def build_card(
    *,
    identity: Identity,
    promise: Promise,
    profile: Callable[[float], float],
    scope: Scope,
    mechanism: Mechanism,
    accounting: Accounting,
    implementation: Implementation,
    audit: AuditReport,
    evaluation: Evaluation,
    subgroups: Subgroups,
    tier: Tier | None = None,
    signature: Signature | None = None,
) -> dict[str, Any]:
    """Return the card as JSON, checked.

    Args:
        identity: which release this is.
        promise: the chosen numbers; epsilon is rounded up at two decimals here.
        profile: epsilon as a function of delta, such as `accountant.profile(plan)`.
        scope: what is covered; the composition's epsilons are rounded up here.
        mechanism, accounting, implementation, audit, evaluation, subgroups: as they were.
        tier: who may have it, none where nobody has said so yet.
        signature: who stands for it, none for a card that is not signed yet.

    Raises:
        CardError: listing every field that says too little or contradicts another.
    """
    together = scope.composition
    card = {
        "identity": identity,
        "guarantee": guarantee(promise, profile),
        "scope": scope.model_copy(
            update={
                "composition": together.model_copy(
                    update={
                        "epsilon": reported(together.epsilon),
                        "added_epsilon": reported(together.added_epsilon),
                    }
                )
            }
        ),
        "mechanism": mechanism,
        "accounting": accounting,
        "implementation": implementation,
        "audit": audit,
        "evaluation": evaluation,
        "subgroups": subgroups,
        "tier": tier or NoTier(reason=UNTIERED),
        "signature": signature or Signature(),
    }
    made = {name: section.model_dump(mode="json") for name, section in card.items()}
    validate(made)
    return made


def guarantee(promise: Promise, profile: Callable[[float], float]) -> Guarantee:
    """Work out what the promise means for an attacker; every figure is rounded up."""
    try:
        curve = Curve.of(profile, promise.delta)
    except ValueError as error:
        raise CardError(_list([str(error)])) from error
    gdp = curve.gdp()
    found = float(profile(promise.delta))
    if found > promise.epsilon + SLACK:
        raise CardError(_list([f"the profile has epsilon {found!r} at the promised delta"]))
    deltas = [10.0**-k for k in range(2, 11) if curve.deltas[0] <= 10.0**-k != promise.delta]
    # With few patients and found categories, no other power of ten has a finite epsilon.
    deltas = deltas or [min(2 * promise.delta, 0.5)]
    points = [(d, max(0.0, float(profile(d)))) for d in deltas] + [(promise.delta, promise.epsilon)]
    rates = [0.0, 0.001, 0.01, *(k / 20 for k in range(1, 21))]
    return Guarantee(
        **{**promise.model_dump(), "size": promise.size, "epsilon": reported(promise.epsilon)},
        epsilon_at=tuple(
            EpsilonAt(delta=d, epsilon=reported(e)) for d, e in sorted(points, reverse=True)
        ),
        mu_gdp=MuGDP(mu=_up(gdp.mu, 3), regret=_up(gdp.regret, 4), delta_from=gdp.delta_from),
        tpr_at=tuple(_bound(curve, rate) for rate in FALSE_ALARMS),
        trade_off=tuple(_bound(curve, rate) for rate in rates),
        attack_advantage_at_most=_up(curve.advantage(), 4),
    )


def validate(card: Mapping[str, Any], *, released: bool = False) -> None:
    """Check a card against the published schema and against itself.

    Args:
        card: the JSON object.
        released: also ask for what a card needs that leaves the house.

    Raises:
        CardError: listing every failed field in words.
    """
    try:
        checked = Card.model_validate_json(json.dumps(card, allow_nan=False))
    except ValidationError as error:
        faults = [_in_words(fault, card) for fault in error.errors()]
        raise CardError(_list(faults)) from error
    except (TypeError, ValueError) as error:
        raise CardError(f"the privacy card is not JSON: {error}") from error
    faults = [f"{path} is missing" for path in _absent(checked.model_dump(mode="json"), card)]
    if released and not checked.identity.files:
        faults.append("identity.files names no released file")
    if released and checked.implementation.seed.insecure:
        faults.append(
            "implementation.seed is insecure: whoever knows it can take the noise off; "
            "train again without a seed"
        )
    if released and checked.audit.status == "assessed" and checked.audit.verdict == "violated":
        faults.append("audit.verdict is violated: an attacker proved more than the promise allows")
    if faults:
        raise CardError(_list(faults))


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (Draft 2020-12) of a card; `card.schema.json` is its copy."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_URL,
        **Card.model_json_schema(mode="serialization"),  # every field is required on a card
    }


def _bound(curve: Curve, rate: float) -> TradeOff:
    return TradeOff(
        false_positive_rate=rate, true_positive_rate_at_most=min(1.0, _up(curve.tpr(rate), 4))
    )


def _up(value: float, decimals: int) -> float:
    scale = 10**decimals
    return math.ceil(round(value * scale, 6)) / scale


def _absent(full: Any, card: Any, path: str = "") -> Iterator[str]:
    """Fields that have a default in code: on a card they must be said all the same."""
    if isinstance(full, dict):
        for name, inner in full.items():
            if name in card:
                yield from _absent(inner, card[name], f"{path}.{name}" if path else name)
            else:
                yield f"{path}.{name}"
    elif isinstance(full, list):
        for i, inner in enumerate(full):
            yield from _absent(inner, card[i], f"{path}[{i}]")


def _list(faults: list[str]) -> str:
    return "the privacy card can't be used: " + "; ".join(faults)


def _in_words(fault: Any, card: Mapping[str, Any]) -> str:
    """Turn one of pydantic's errors into a clause that names the field."""
    path = _path(fault["loc"], card)
    match fault["type"]:
        case "missing":
            return f"{path} is missing"
        case "union_tag_not_found":
            return f"{path}.status is missing"
        case "extra_forbidden":
            return f"{path} is not a field of the card"
        case "value_error":
            words = str(fault["ctx"]["error"])
            return f"{path} {words}" if path else words
        case "string_pattern_mismatch" if fault["ctx"]["pattern"] == r"\S":
            return f"{path} is empty"
        case _:
            words = str(fault["msg"]).removeprefix("Input ")
            return f"{path} {words}, got {fault['input']!r}"


def _path(steps: tuple[int | str, ...], card: Any) -> str:
    """Return the field's path as it stands in the JSON, without the tags of a choice."""
    path = ""
    for step in steps:
        if isinstance(card, Mapping) and step not in card and step == card.get("status"):
            continue
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
        try:
            card = card[step]
        except (KeyError, IndexError, TypeError):
            card = None
    return path.removeprefix(".")
