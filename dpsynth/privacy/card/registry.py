"""A release as the OpenDP deployments registry wants it told.

Form: github.com/opendp/deployments-registry-data, schemas/deployments-schema.yaml, which follows
Ghazi, Nanayakkara and Vadhan.
"""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from dpsynth.privacy.card.sections import Card

SECTORS = {
    "health": "Healthcare",
    "education": "Education",
    "finance": "Finance",
    "government": "Government",
}
SHARED = "Synthetic data: copies and analyses of it cost no further privacy."


def registry(card: dict[str, Any]) -> dict[str, Any]:
    """A registry entry of tier 3, as a draft: whoever registers it says who they are.

    Args:
        card: of a release.

    Raises:
        pydantic.ValidationError: if it is no card.
    """
    held = Card.model_validate_json(json.dumps(card))  # lists are tuples there
    return {
        "url_slug": re.sub(r"[^a-z0-9]+", "_", held.identity.dataset.lower()).strip("_"),
        "status": "Draft",
        "tier": 3,
        "deployment": {
            "basic": _basic(held),
            "dp_variant": {
                "variant_name": "Approximate DP",
                "data_domain": f"Any data set of {held.identity.dataset}: any number of "
                f"{held.guarantee.unit}s, each with at most "
                f"{held.guarantee.most_records_per_unit} records",
                "unprotected_quantities": _listed(held.scope.unprotected),
            },
            "privacy_loss": _loss(held),
            "deployment_model": {
                "model_name": "Central",
                "actors": f"The curator ({held.identity.curator}) holds the data and is trusted; "
                "whoever has the copy is not.",
                "release_type": "One release" if held.scope.composition.runs == 1
                else "Many releases",
                "release_type_details": _together(held),
                "data_source_type": "Static",
                "access_type": "Non-interactive",
                "access_type_details": _access(held),
            },
            "accounting": {
                "post_processing": "Sampling from the model, rounding to the schema, its rules",
                "composition": f"{held.accounting.method} ({held.accounting.library} "
                f"{held.accounting.version}); second opinion: {held.accounting.second_method}, "
                f"epsilon {held.accounting.second_epsilon:.4g}. {_together(held)}",
            },
            "implementation": _implementation(held),
            "administrative": {
                "registry_authors": [held.identity.curator],
                "notes": f"Made from the release's privacy card ({held.signature.schema_url})."
                + _rules(held),
            },
        },
    }  # fmt: skip


def registry_text(card: dict[str, Any]) -> str:
    """The entry as YAML."""
    text: str = yaml.safe_dump(registry(card), sort_keys=False, allow_unicode=True, width=100)
    return text


def _basic(card: Card) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "name": f"Synthetic copy of {card.identity.dataset}",
        "data_curators": [card.identity.curator],
        "description": f"Records that {card.identity.model} made up, learnt from real ones under "
        "differential privacy.",
        "intended_use": _listed(card.identity.intended_use),
        "data_product_type": "Synthetic data",
        "data_product_region": card.identity.region,
        "publication_date": str(card.identity.date),
    }
    sector = SECTORS.get(card.identity.sector.lower())
    return facts if sector is None else facts | {"data_product_sector": sector}


def _loss(card: Card) -> dict[str, Any]:
    promised = card.guarantee
    others = ", ".join(f"{e.epsilon:.3g} at {e.delta:.1g}" for e in promised.epsilon_at)
    return {
        "privacy_unit": promised.unit,
        "privacy_unit_details": f"{promised.adjacency}; {promised.enforced}",
        "privacy_parameters": {"epsilon": promised.epsilon, "delta": promised.delta},
        "privacy_parameters_details": f"Delta: {promised.delta_rule}. Epsilon at other deltas: "
        f"{others}. {promised.mu_gdp.mu:.3g}-GDP. No attacker's true-positive rate is above the "
        f"false-positive rate by more than {promised.attack_advantage_at_most:.3g}.",
    }


def _access(card: Card) -> str:
    """The registry has no field for who may have it but this."""
    if card.tier.status == "none":
        return SHARED
    return f"For {card.tier.audience} (tier {card.tier.name}). {SHARED}"


def _rules(card: Card) -> str:
    if card.tier.status == "none":
        return ""
    return f" Released under the policy of {card.tier.owner}, SHA-256 {card.tier.policy_sha256}."


def _implementation(card: Card) -> dict[str, str]:
    accesses = card.scope.accesses
    told = [f"{name.replace('_', ' ')}: {each.status}, {each.how}" for name, each in accesses]
    training = card.mechanism.training
    steps = (
        ""
        if training is None
        else f" DP-SGD of {training.steps} steps, sigma {training.noise_multiplier:.4g}, clipping "
        f"norm {training.clip_norm:g}, sampling rate {training.sample_rate:.4g}."
    )
    parts = [f"{m.name} (sigma {m.noise_multiplier:.4g})" for m in card.mechanism.measurements]
    held = card.implementation
    return {
        "preprocessing_and_hyperparameter_tuning": _listed(told),
        "mechanisms": f"{card.mechanism.algorithm}. Gaussian releases: {_listed(parts)}.{steps} "
        f"Noise: {held.noise_source}. Floating point: {held.floating_point.done}; not done: "
        f"{held.floating_point.not_done}. Code: dpsynth {card.identity.code_version}, commit "
        f"{card.identity.commit}. Open hazards: {_listed(held.open_hazards)}.",
    }


def _together(card: Card) -> str:
    found = card.scope.composition
    return (
        f"All {found.runs} runs on these {card.guarantee.unit}s together: epsilon "
        f"{found.epsilon:g}, delta {found.delta:g} ({found.method}); by addition epsilon "
        f"{found.added_epsilon:g}, delta {found.added_delta:g}; {found.unprotected} internal "
        "accesses without protection."
    )


def _listed(parts: Any) -> str:
    return "; ".join(map(str, parts)) or "none"
