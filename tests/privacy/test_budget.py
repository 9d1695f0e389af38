"""The promise: numbers in their ranges, delta below 1/P, epsilon never shown too small."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpsynth.errors import InputError
from dpsynth.privacy.budget import Budget, budget, default_delta, reported


@pytest.mark.parametrize(
    ("population", "delta"),
    [
        (1, 1e-1),  # 1^-1.1 = 1
        (2, 1e-1),  # .466
        (8, 1e-1),  # .102
        (9, 1e-2),  # .089
        (10, 1e-2),  # .079
        (65, 1e-2),  # .01014
        (66, 1e-3),  # .00997
        (100, 1e-3),  # .0063
        (1000, 1e-4),  # .0005
        (8000, 1e-5),  # 5.1e-5
        (10**5, 1e-6),  # 3.2e-6
        (10**10, 1e-12),  # exactly 1e-11: the next power is the largest below
        (10**20, 1e-23),  # exactly 1e-22
    ],
)
def test_default_delta_is_the_largest_power_of_ten_below(population, delta):
    assert default_delta(population) == delta


@settings(deadline=None)
@given(st.integers(min_value=1, max_value=10**15))
def test_default_delta_is_below_and_ten_times_it_is_not(population):
    exponent = round(-math.log10(default_delta(population)))
    # 10^-k < P^-1.1 means P^11 < 10^(10 k), in whole numbers.
    assert population**11 < 10 ** (10 * exponent)
    assert population**11 >= 10 ** (10 * (exponent - 1))
    assert 0 < default_delta(population) < 1 / population


@settings(deadline=None)
@given(st.integers(min_value=1, max_value=10**12))
def test_the_default_is_always_allowed(population):
    assert budget(1.0, None, population).delta == default_delta(population)


@pytest.mark.parametrize("epsilon", [0, -1, math.inf, math.nan])
def test_epsilon_must_be_positive_and_finite(epsilon):
    with pytest.raises(InputError, match="epsilon"):
        Budget(epsilon=epsilon, delta=1e-5, population=100)


@pytest.mark.parametrize("delta", [0, -1e-9, 0.01, 0.5, 1, math.inf, math.nan])
def test_delta_at_or_above_one_in_the_population_is_refused_with_the_cure(delta):
    with pytest.raises(InputError, match=r"delta must be in \(0, 1/100\).*0.001"):
        Budget(epsilon=1.0, delta=delta, population=100)


@pytest.mark.parametrize("population", [0, -3])
@pytest.mark.parametrize("delta", [None, 1e-5])
def test_an_empty_population_is_refused(population, delta):
    with pytest.raises(InputError, match="population"):
        budget(1.0, delta, population)


@pytest.mark.parametrize(
    ("epsilon", "shown"),
    [(1.0, 1.0), (1.001, 1.01), (2.995, 3.0), (1.1, 1.1), (0.1 + 0.2, 0.3), (1e-9, 0.01)],
)
def test_epsilon_is_shown_rounded_up(epsilon, shown):
    assert reported(epsilon) == shown


@settings(deadline=None)
@given(st.floats(min_value=1e-6, max_value=1e6))
def test_what_is_shown_is_never_less(epsilon):
    assert epsilon - 1e-9 * max(epsilon, 1) <= reported(epsilon) < epsilon + 0.0101


def test_no_promise_is_shown_as_infinity():
    assert reported(math.inf) == math.inf
