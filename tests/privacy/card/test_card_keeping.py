"""A card keeps to a tier, or every way in which it does not is said."""

from dataclasses import replace

import pytest

from dpsynth.privacy.card.keeping import faults, tiered
from dpsynth.privacy.card.registry import registry
from dpsynth.privacy.policy import load_policy


@pytest.fixture
def tier():
    """Allows what the card has, and demands nothing."""
    return replace(
        load_policy().tier("controlled"), epsilon=3.4, audit=False, subgroups=False
    )  # the card: epsilon 3.4, delta 1e-6, P = 12,000; together 4.41 or added 6.81, delta 2e-6


def test_a_card_at_the_very_bounds_keeps_to_it(card, tier):
    assert faults(card, tier, signed=False) == []


def test_a_larger_epsilon_is_named(card, tier):
    [words] = faults(card, replace(tier, epsilon=3.39), signed=True)
    assert "this run has epsilon 3.4 at delta 1e-06" in words
    assert "allows epsilon 3.39 with delta below 12000^-1.1, about 3.3e-05" in words


def test_a_larger_delta_is_named(card, tier):
    # 12,000^-1.5 = 7.6e-7 is below the card's 1e-6; 12,000^-1.4 = 1.9e-6 is above.
    assert faults(card, replace(tier, delta_exponent=1.4), signed=True) == []
    [words] = faults(card, replace(tier, delta_exponent=1.5), signed=True)
    assert "about 7.6e-07" in words


def test_a_delta_at_the_bound_is_not_below_it(card, tier):
    card["guarantee"]["size"]["shown"] = 1000
    card["guarantee"]["delta"] = float(1000) ** -2.0
    [words] = faults(card, replace(tier, delta_exponent=2.0), signed=True)
    assert "delta below 1000^-2" in words


def test_all_runs_together_are_held_against_it_where_it_says_so(card, tier):
    tier = replace(tier, of="population")
    [words] = faults(card, tier, signed=True)
    assert "all 2 runs on these patients together have epsilon 4.41 at delta 2e-06" in words
    assert "or epsilon 6.81 at delta 2e-06" in words
    assert faults(card, replace(tier, epsilon=4.41), signed=True) == []
    # The filter's figure is at a cap's delta; the plain sum alone is small enough in both.
    card["scope"]["composition"] |= {"delta": 1e-3}
    assert faults(card, replace(tier, epsilon=4.41), signed=True) != []
    assert faults(card, replace(tier, epsilon=6.81), signed=True) == []


def test_a_card_without_a_size_keeps_to_no_bound_on_delta(card, tier):
    card["guarantee"]["size"] |= {"status": "not used", "shown": None}
    [words] = faults(card, tier, signed=True)
    assert "shows no number of units" in words


@pytest.mark.parametrize("audit", ["violated", "inconclusive", "not assessed"])
def test_a_demanded_audit_must_be_consistent(card, tier, audit):
    card["audit"] = {"status": "assessed", "verdict": audit}
    if audit == "not assessed":
        card["audit"] = {"status": audit, "reason": "none"}
    [words] = faults(card, replace(tier, audit=True), signed=True)
    assert words.endswith(f"the run's is {audit}")
    assert faults(card, tier, signed=True) == []
    card["audit"] = {"status": "assessed", "verdict": "consistent"}
    assert faults(card, replace(tier, audit=True), signed=True) == []


def test_a_demanded_look_at_subgroups_is_not_replaced_by_a_reason(card, tier):
    tier = replace(tier, subgroups=True)
    assert faults(card, tier, signed=True) == []
    card["subgroups"] = {"status": "not assessed", "reason": "no time"}
    [words] = faults(card, tier, signed=True)
    assert "looked at subgroups" in words


def test_a_demanded_signature_and_facts_read_from_values(card, tier):
    tier = replace(tier, signature=True, assumed_public=False)
    [unsigned, read] = faults(card, tier, signed=False)
    assert "demands a signature: give --key" in unsigned
    assert "(tables.stays.age.bounds)" in read
    card["scope"]["assumed_public"] = []
    assert faults(card, tier, signed=True) == []


def test_every_fault_is_told_at_once(card, tier):
    card["audit"] = {"status": "not assessed", "reason": "none"}
    card["subgroups"] = {"status": "not assessed", "reason": "none"}
    strict = load_policy().tier("public")
    assert len(faults(card, strict, signed=False)) == 5


def test_the_registry_entry_says_who_may_have_it(card):
    policy = load_policy()
    before = registry(card)["deployment"]
    assert "tier" not in before["deployment_model"]["access_type_details"]
    card["tier"] = tiered(policy, policy.tier("controlled")).model_dump(mode="json")
    after = registry(card)["deployment"]
    told = after["deployment_model"]["access_type_details"]
    assert policy.tier("controlled").audience in told and "tier controlled" in told
    assert policy.sha256 in after["administrative"]["notes"]


def test_the_page_says_who_may_have_it(card):
    from dpsynth.privacy.card import render_html

    policy = load_policy()
    assert policy.sha256 not in render_html(card)
    assert card["tier"]["reason"] in render_html(card)
    card["tier"] = tiered(policy, policy.tier("registered")).model_dump(mode="json")
    page = render_html(card)
    for words in (policy.sha256, policy.tier("registered").audience, "tier registered"):
        assert words in page
