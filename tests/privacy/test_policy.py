"""A policy says everything, is refused where it does not, and is known by what it says."""

import hashlib
import json
import re
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path

import pytest

from dpsynth.errors import InputError
from dpsynth.privacy.budget import default_delta
from dpsynth.privacy.policy import DEFAULT, Policy, Tier, load_policy, policy_of

SIZES = [*range(1, 400), 999, 1000, 1001, 4434, 6000, 12_000, 10**5, 10**6 - 1, 10**8, 10**10]


@pytest.fixture
def policy() -> Policy:
    return load_policy()


@pytest.fixture
def facts(policy):
    return json.loads(policy.canonical())


def test_the_three_presets(policy):
    assert [(t.name, t.epsilon) for t in policy.tiers] == [
        ("public", 1.0),
        ("registered", 3.0),
        ("controlled", 10.0),
    ]
    assert {t.delta_exponent for t in policy.tiers} == {1.1}
    assert all(t.audience for t in policy.tiers)


@pytest.mark.parametrize("epsilon", [0.999, 10**400, 0.0, float("inf")])
def test_an_epsilon_that_no_card_could_show_or_that_bounds_nothing_is_refused(policy, epsilon):
    # A card rounds up to two decimals: a run of 0.999 would be 1 there, and above its tier.
    with pytest.raises(InputError, match="epsilon must be"):
        replace(policy.tiers[0], epsilon=epsilon)


def test_the_package_ships_it():
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert DEFAULT.is_file()
    assert '"**/*.toml"' in project


def test_comments_and_order_do_not_move_the_hash_and_every_value_does(policy, facts, tmp_path):
    text = DEFAULT.read_text()
    parts = text.split("\n[")
    shuffled = tmp_path / "shuffled.toml"
    shuffled.write_text("\n[".join([parts[0], *reversed(parts[1:])]) + "\n# a comment\n")
    assert load_policy(shuffled).sha256 == policy.sha256
    for tier in facts["tiers"]:
        for name, value in facts["tiers"][tier].items():
            other = {
                **dict.fromkeys(("epsilon", "delta_exponent"), 1.75),
                **{"of": "population", "report": "none", "audience": "nobody"},
            }.get(name, not value)
            changed = json.loads(json.dumps(facts))
            changed["tiers"][tier][name] = other
            assert policy_of(changed).sha256 != policy.sha256, (tier, name)
    assert policy_of(facts | {"owner": "somebody else"}).sha256 != policy.sha256


def test_a_whole_number_is_the_same_number(policy, facts):
    facts["tiers"]["public"]["epsilon"] = 1
    assert policy_of(facts).sha256 == policy.sha256


def test_the_canonical_bytes_read_back_and_have_the_hash(policy, tmp_path):
    path = tmp_path / "policy.json"
    path.write_bytes(policy.canonical())
    assert hashlib.sha256(path.read_bytes()).hexdigest() == policy.sha256
    again = load_policy(path)
    assert again.canonical() == policy.canonical()
    assert {t.name: t for t in again.tiers} == {t.name: t for t in policy.tiers}


def test_every_field_is_needed_and_no_other_is_known(facts):
    names = [each.name for each in fields(Tier) if each.name != "name"]
    assert set(facts["tiers"]["public"]) == set(names)
    for name in names:
        changed = json.loads(json.dumps(facts))
        del changed["tiers"]["public"][name]
        with pytest.raises(InputError, match=rf"tier 'public' lacks {name}"):
            policy_of(changed)
    facts["tiers"]["public"]["epsilonn"] = 1
    with pytest.raises(InputError, match="has no field 'epsilonn'; it has epsilon"):
        policy_of(facts)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("epsilon", bad) for bad in (0, -1.0, float("inf"), float("nan"), "3", True, None)),
        *(("delta_exponent", bad) for bad in (0.99, 0, float("nan"), "1.1", False)),
        *(("of", bad) for bad in ("patient", 1)),
        *(("report", bad) for bad in ("internal", True)),
        *(("audience", bad) for bad in ("", "  ", 3)),
        *(("audit", bad) for bad in (1, "yes")),
        *((flag, 0) for flag in ("subgroups", "signature", "assumed_public")),
    ],
)
def test_a_wrong_value_is_named(facts, name, value):
    facts["tiers"]["registered"][name] = value
    with pytest.raises(InputError) as caught:
        policy_of(facts)
    words = str(caught.value)
    assert words.startswith(f"tier 'registered': {name} must be ")
    assert words.endswith(f"got {value!r}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("owner = 'a'", "lacks tiers"),
        ("owner = ''\n[tiers]", "owner must be words"),
        ("owner = 'a'\n[tiers]", "at least one tier"),
        ("owner = 'a'\ntiers = 3", "tiers must be a table"),
        ("owner = 'a'\n[tiers]\npublic = 3", "tier 'public' must be a table"),
        ("owner = ", "can't be read as a policy"),
        ("owner = 'a'\ncolour = 'b'\n[tiers]", "no field 'colour'"),
    ],
)
def test_a_file_that_is_no_policy_is_refused_in_one_line(tmp_path, text, words):
    path = tmp_path / "p.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=re.escape(words)) as caught:
        load_policy(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_too_long_is_refused(tmp_path):
    with pytest.raises(InputError, match="can't be read"):
        load_policy(tmp_path / "absent.toml")
    with pytest.raises(InputError, match="can't be read"):
        load_policy(tmp_path)
    path = tmp_path / "long.toml"
    path.write_text("#" * 1_000_001)
    with pytest.raises(InputError, match="over 1,000,000 bytes"):
        load_policy(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="can't be read"):
        load_policy(path)


def test_an_unknown_tier_is_refused_with_those_there_are(policy):
    with pytest.raises(InputError, match="one of public, registered, controlled, got 'secret'"):
        policy.tier("secret")


def test_a_name_stands_for_one_tier(policy):
    with pytest.raises(InputError, match="a name of its own"):
        Policy(owner="a", tiers=(policy.tiers[0], policy.tiers[0]))
    with pytest.raises(InputError, match="a name that is a word"):
        replace(policy.tiers[0], name=" ")


# --- delta -------------------------------------------------------------------------------


def test_the_default_delta_is_below_the_bound_at_every_size(policy):
    for size in SIZES:
        for tier in policy.tiers:
            assert tier.holds_delta(default_delta(size), size)
            assert tier.delta(size) == default_delta(size)


def test_the_bound_is_that_of_whole_numbers(policy):
    # delta < P^-1.1  <=>  delta^10 P^11 < 1, without any rounding.
    for size in SIZES[1:]:
        for power in range(1, 14):
            delta = float(f"1e-{power}")
            exact = Fraction(1, 10**power) ** 10 * size**11 < 1
            assert policy.tiers[0].holds_delta(delta, size) == exact, (size, power)


def test_a_larger_exponent_has_a_smaller_delta(policy):
    tier = replace(policy.tiers[0], delta_exponent=2.0)
    assert tier.delta(100) == 1e-5  # below 1e-4 and not at it
    assert tier.delta(101) == 1e-5  # below 9.8e-5
    assert not tier.holds_delta(0.0, 100)
    assert not tier.holds_delta(1e-300, 10**400)  # a foe's card may say any size
    with pytest.raises(InputError, match="delta_exponent must be so small"):
        replace(tier, delta_exponent=10).delta(10**40)
    assert not tier.holds_delta(float("nan"), 100)
