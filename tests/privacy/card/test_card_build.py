"""A card that says too little, or contradicts itself, is refused in words."""

import copy
import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from dpsynth.errors import CardError
from dpsynth.privacy.card import (
    Audit,
    AuditTest,
    Cost,
    Metric,
    NotAssessed,
    PrivateEvaluation,
    PrivateSubgroups,
    Subgroup,
    build_card,
    json_schema,
    validate,
)
from dpsynth.privacy.card.build import SCHEMA_FILE
from dpsynth.privacy.card.keeping import tiered
from dpsynth.privacy.policy import load_policy


def _fields(value: Any, path: tuple = ()) -> Iterator[tuple]:
    pairs = value.items() if isinstance(value, dict) else ()
    pairs = enumerate(value) if isinstance(value, list) else pairs
    for key, inner in pairs:
        if isinstance(value, dict):
            yield (*path, key)
        yield from _fields(inner, (*path, key))


def _without(card: dict[str, Any], path: tuple) -> dict[str, Any]:
    changed = copy.deepcopy(card)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return changed


def _with(card: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(card)
    *steps, last = path.split(".")
    inner = changed
    for step in steps:
        inner = inner[step]
    inner[last] = value
    return changed


@pytest.fixture(scope="module")
def published() -> Draft202012Validator:
    schema = json.loads(SCHEMA_FILE.read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.fixture
def a_tier() -> dict[str, Any]:
    """Who may have it, by dpsynth's own policy."""
    policy = load_policy()
    return tiered(policy, policy.tier("registered")).model_dump(mode="json")


@pytest.fixture
def full(card, a_tier) -> dict[str, Any]:
    """Every section filled."""
    card = copy.deepcopy(card)
    cost = Cost(epsilon=0.1, delta=1e-7, mechanism="Gaussian counts")
    metric = Metric(
        metric="tv1", value=0.03, low=0.02, high=0.05, n=8000, seeds=3, reference="floor 0.02"
    )
    audit = Audit(
        threat_model="sees every noisy gradient",
        canaries=1000,
        commitment="d" * 64,
        estimator="one-run bound",
        alpha=0.05,
        tests=(AuditTest(name="mechanism", p=0.4, epsilon_lower_bound=2.8),),
        false_alarm_rate=0.05,
        verdict="consistent",
        steps_bound=2.8,
        steps_claimed=3.0,
    )
    group = Subgroup(
        group="female", noisy_count=402.1, share_shift=-0.01, gap=metric, gap_change=metric
    )
    subgroups = PrivateSubgroups(
        attributes=("sex",), groups=(group,), not_assessable=("other",), cost=cost
    )
    card["audit"] = audit.model_dump(mode="json")
    card["evaluation"] = PrivateEvaluation(metrics=(metric,), cost=cost).model_dump(mode="json")
    card["subgroups"] = subgroups.model_dump(mode="json")
    card["tier"] = a_tier
    card["identity"]["files"] = [{"name": "stays.parquet", "sha256": "e" * 64}]
    return card


def test_the_published_schema_is_the_one_the_code_checks(published):
    assert published.schema == json_schema()


def test_a_full_card_fits_the_published_schema(full, card, published):
    for each in (full, card):
        validate(each)
        assert json.loads(json.dumps(each)) == each
        published.validate(each)


def test_every_missing_field_is_named_and_the_published_schema_sees_it_too(full, published):
    paths = [p for p in _fields(full) if p[:2] != ("mechanism", "settings") or len(p) == 2]
    assert len(paths) > 200
    for path in paths:
        changed = _without(full, path)
        named = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path)[1:]
        with pytest.raises(CardError) as caught:
            validate(changed)
        assert f"{named} is missing" in str(caught.value)
        assert not published.is_valid(changed), named


@pytest.mark.parametrize(
    "path",
    [
        *("guarantee.delta", "guarantee.unit", "guarantee.adjacency"),
        *("scope.accesses.tuning", "subgroups"),
    ],
)
def test_what_no_card_may_lack(card, path):
    with pytest.raises(CardError, match=f"{path} is missing"):
        validate(_without(card, tuple(path.split("."))))


def test_all_faults_are_listed_at_once(card):
    changed = _without(_without(card, ("guarantee", "delta")), ("subgroups",))
    changed["identity"]["colour"] = "blue"
    changed["accounting"]["ledger_head"]["sha256"] = "short"
    with pytest.raises(CardError) as caught:
        validate(changed)
    for words in (
        "guarantee.delta is missing",
        "subgroups is missing",
        "identity.colour is not a field of the card",
        "accounting.ledger_head.sha256",
    ):
        assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("section", ["audit", "evaluation", "subgroups"])
def test_not_assessed_needs_a_reason(card, published, section):
    for reason in ({}, {"reason": ""}, {"reason": "  "}):
        changed = _with(card, section, {"status": "not assessed", **reason})
        with pytest.raises(CardError, match=rf"{section}\.reason is (missing|empty)"):
            validate(changed)
        assert not published.is_valid(changed)
    validate(_with(card, section, {"status": "not assessed", "reason": "no time"}))
    with pytest.raises(CardError, match=rf"{section}\.status is missing"):
        validate(_with(card, section, {"reason": "no time"}))


def test_nobody_said_who_may_have_it_needs_a_reason_too(card, published):
    assert card["tier"]["status"] == "none"
    for reason in ({}, {"reason": " "}):
        changed = _with(card, "tier", {"status": "none", **reason})
        with pytest.raises(CardError, match=r"tier\.reason is (missing|empty)"):
            validate(changed)
        assert not published.is_valid(changed)
    for path in (("tier",), ("tier", "status")):
        changed = _without(card, path)
        with pytest.raises(CardError, match=rf"{'.'.join(path)} is missing"):
            validate(changed)
        assert not published.is_valid(changed)


@pytest.mark.parametrize("section", ["evaluation", "subgroups"])
def test_a_figure_about_patients_is_private_or_the_word_internal(full, published, section):
    internal = {"status": "internal", "date": "2026-11-22", "value": 0.03}
    with pytest.raises(CardError, match=rf"{section}\.value is not a field"):
        validate(_with(full, section, internal))
    without_cost = _without(full, (section, "cost"))
    with pytest.raises(CardError, match=rf"{section}\.cost is missing"):
        validate(without_cost)
    assert not published.is_valid(without_cost)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("guarantee.adjacency", "replace one unit", "guarantee.adjacency"),
        ("guarantee.epsilon", 3.401, "has over two decimals"),
        ("guarantee.epsilon", -1.0, "guarantee.epsilon"),
        ("guarantee.epsilon", math.nan, "not JSON"),
        ("guarantee.delta", 0.0, "guarantee.delta"),
        ("guarantee.most_records_per_unit", 0, "guarantee.most_records_per_unit"),
        ("guarantee.unit", "", "guarantee.unit is empty"),
        ("accounting.epsilon", 3.4001, "rounded up, never down"),
        ("accounting.second_epsilon", 3.2, "one of the accountants is wrong"),
        ("scope.composition.added_epsilon", 3.3, "must hold this release too"),
        ("scope.composition.added_delta", 1e-9, "must hold this release too"),
        ("tier.epsilon_at_most", 0.0, "tier.epsilon_at_most"),
        ("tier.delta_exponent", 0.9, "tier.delta_exponent"),
        ("tier.of", "patient", "tier.of"),
        ("tier.report", "internal", "tier.report"),
        ("tier.policy_sha256", "short", "tier.policy_sha256"),
        ("scope.unprotected", [], "not covered (evaluation)"),
        ("scope.accesses.evaluation.status", "covered", "must say not covered"),
        ("implementation.resumes", True, "implementation.resumes"),
    ],
)
def test_wrong_values_and_contradictions_are_named(card, a_tier, path, value, words):
    card["tier"] = a_tier
    with pytest.raises(CardError) as caught:
        validate(_with(card, path, value))
    assert words in str(caught.value)


def test_a_run_that_asked_nothing_has_no_card(card):
    changed = _with(_with(card, "mechanism.training", None), "mechanism.measurements", [])
    with pytest.raises(CardError, match="mechanism holds neither measurements nor training"):
        validate(changed)


def test_a_released_card_names_its_files_and_has_no_known_seed(card, full):
    with pytest.raises(CardError, match=r"identity\.files names no released file"):
        validate(card, released=True)
    validate(full, released=True)
    with pytest.raises(CardError, match=r"implementation\.seed is insecure"):
        validate(_with(full, "implementation.seed.insecure", True), released=True)
    with pytest.raises(CardError, match=r"audit\.verdict is violated"):
        validate(_with(full, "audit.verdict", "violated"), released=True)


# --- what build_card works out -----------------------------------------------------------


def test_epsilons_are_rounded_up_at_two_decimals(facts, card, gaussian):
    together = card["scope"]["composition"]
    assert (together["epsilon"], together["added_epsilon"]) == (4.41, 6.81)  # from 4.401, 6.801
    promise = facts["promise"].model_copy(update={"epsilon": 3.4000001})
    assert build_card(**{**facts, "promise": promise})["guarantee"]["epsilon"] == 3.41
    for point in card["guarantee"]["epsilon_at"]:
        if point["delta"] != 1e-6:
            exact = gaussian(0.7)(point["delta"])
            assert exact <= point["epsilon"] < exact + 0.01 + 1e-9


def test_the_promised_point_stands_in_the_profile(card):
    assert {"delta": 1e-6, "epsilon": 3.4} in card["guarantee"]["epsilon_at"]
    deltas = [p["delta"] for p in card["guarantee"]["epsilon_at"]]
    assert deltas == sorted(deltas, reverse=True)
    assert len(set(deltas)) == len(deltas) == 7  # 1e-2 to 1e-8


def test_the_attack_table_is_at_its_three_rates(card):
    # Phi(Phi^-1(a) + 0.7) at a = 0.001, 0.01, 0.1, rounded up at four decimals.
    rows = [tuple(row.values()) for row in card["guarantee"]["tpr_at"]]
    assert rows == [(0.001, 0.0085), (0.01, 0.052), (0.1, 0.2805)]
    assert card["guarantee"]["attack_advantage_at_most"] == 0.2737  # 2 Phi(0.35) - 1
    assert card["guarantee"]["mu_gdp"]["mu"] == 0.701


def test_a_profile_above_the_promise_is_refused(facts, gaussian):
    with pytest.raises(CardError, match="the profile has epsilon 5"):
        build_card(**{**facts, "profile": gaussian(1.1)})
    with pytest.raises(CardError, match="promises nothing at delta"):
        build_card(**{**facts, "profile": lambda delta: math.inf})


def test_a_card_of_measurements_alone_is_a_card(facts):
    mechanism = facts["mechanism"].model_copy(update={"training": None})
    reason = NotAssessed(reason="no sensitive attribute is in the schema")
    made = build_card(**{**facts, "mechanism": mechanism, "subgroups": reason})
    assert made["mechanism"]["training"] is None
    assert made["subgroups"]["reason"] == "no sensitive attribute is in the schema"
