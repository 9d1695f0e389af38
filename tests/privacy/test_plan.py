"""A plan is public, checks itself, and comes back from JSON as it was."""

import json
import math

import pytest

from dpsynth.errors import InputError
from dpsynth.privacy.plan import DPSGD, Plan, Release

TRAINING = {
    "noise_multiplier": 1.0,
    "clip_norm": 1.0,
    "sample_rate": 0.05,
    "expected_batch": 256.0,
    "steps": 10,
    "views": 2,
}


def plan(**changes) -> Plan:
    fields = {
        "epsilon": 1.0,
        "delta": 1e-5,
        "population": 5000,
        "count_epsilon": 0.05,
        "releases": (
            Release(name="categories", noise_multiplier=9.0, threshold_delta=1e-6),
            Release(name="tables", noise_multiplier=8.0),
        ),
        "training": DPSGD(**TRAINING),
    }
    return Plan(**(fields | changes))


@pytest.mark.parametrize("changes", [{}, {"training": None}, {"releases": ()}])
def test_a_plan_comes_back_from_json_as_it_was(changes):
    whole = plan(**changes)
    assert Plan.from_public(json.loads(json.dumps(whole.public()))) == whole


def test_a_plan_is_frozen():
    with pytest.raises(AttributeError):
        plan().epsilon = 5.0
    with pytest.raises(AttributeError):
        plan().training.steps = 5


@pytest.mark.parametrize("name", ["noise_multiplier", "clip_norm", "expected_batch", "steps"])
@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf])
def test_training_numbers_outside_their_range_are_refused_by_name(name, value):
    with pytest.raises(InputError, match=name):
        DPSGD(**(TRAINING | {name: value}))


@pytest.mark.parametrize("value", [0, -0.1, 1.0001, math.nan])
def test_a_sample_rate_is_a_chance(value):
    with pytest.raises(InputError, match="sample_rate"):
        DPSGD(**(TRAINING | {"sample_rate": value}))


@pytest.mark.parametrize("name", ["steps", "views"])
def test_half_a_step_is_refused(name):
    with pytest.raises(InputError, match=f"{name} must be a whole number"):
        DPSGD(**(TRAINING | {name: 1.5}))


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf])
def test_a_release_without_noise_is_refused(value):
    with pytest.raises(InputError, match="noise_multiplier"):
        Release(name="tables", noise_multiplier=value)


@pytest.mark.parametrize("value", [-1e-9, 1, math.nan])
def test_a_threshold_never_gives_delta_back(value):
    with pytest.raises(InputError, match="threshold_delta"):
        Release(name="categories", noise_multiplier=1.0, threshold_delta=value)


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf])
def test_a_count_never_gives_epsilon_back(value):
    with pytest.raises(InputError, match="count_epsilon"):
        plan(count_epsilon=value)


def test_two_releases_of_one_name_are_refused():
    twice = (Release(name="tables", noise_multiplier=1.0),) * 2
    with pytest.raises(InputError, match="name of its own"):
        plan(releases=twice)
