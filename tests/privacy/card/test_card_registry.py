"""A card as an entry of the OpenDP deployments registry."""

import yaml

from dpsynth.privacy.card.registry import registry, registry_text

# Of the registry's schema: required fields, and all that a part may hold.
BASIC = {
    "name", "data_curators", "description", "intended_use", "data_product_type",
    "data_product_region", "publication_date",
}  # fmt: skip
PARTS = {
    "basic": {*BASIC, "data_product_sector"},
    "dp_variant": {"variant_name", "data_domain", "unprotected_quantities"},
    "privacy_loss": {
        "privacy_unit", "privacy_unit_details", "privacy_parameters", "privacy_parameters_details",
    },
    "deployment_model": {
        "model_name", "model_name_details", "actors", "release_type", "release_type_details",
        "data_source_type", "data_source_type_details", "access_type", "access_type_details",
    },
    "accounting": {"post_processing", "composition"},
    "implementation": {
        "preprocessing_and_hyperparameter_tuning", "mechanisms", "justification",
    },
    "administrative": {"sources", "notes", "registry_authors"},
}  # fmt: skip


def test_an_entry_has_the_form_of_the_registry(card):
    found = registry(card)
    assert set(found) == {"url_slug", "status", "tier", "deployment"}
    assert found["status"] == "Draft" and found["tier"] == 3
    parts = found["deployment"]
    assert set(parts["basic"]) >= BASIC
    for name, part in parts.items():
        assert set(part) <= PARTS[name]
    assert parts["basic"]["data_product_sector"] == "Healthcare"
    assert parts["dp_variant"]["variant_name"] == "Approximate DP"


def test_it_says_what_the_card_says(card):
    parts = registry(card)["deployment"]
    promised = {"epsilon": card["guarantee"]["epsilon"], "delta": card["guarantee"]["delta"]}
    assert parts["privacy_loss"]["privacy_parameters"] == promised
    for each in card["scope"]["unprotected"]:
        assert each in parts["dp_variant"]["unprotected_quantities"]
    for hazard in card["implementation"]["open_hazards"]:
        assert hazard in parts["implementation"]["mechanisms"]
    tuning = parts["implementation"]["preprocessing_and_hyperparameter_tuning"]
    assert f"tuning: {card['scope']['accesses']['tuning']['status']}" in tuning


def test_a_sector_that_the_registry_does_not_know_is_left_out(card):
    card["identity"]["sector"] = "veterinary"
    assert "data_product_sector" not in registry(card)["deployment"]["basic"]


def test_the_text_reads_back(card):
    assert yaml.safe_load(registry_text(card)) == registry(card)
