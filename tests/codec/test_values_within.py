"""A range cuts the bins it meets: the values drawn in them lie in it, with the bin's own law."""

import math

import numpy as np
import pytest

from dpsynth.data.field import field
from dpsynth.schema import Column


def drawn(column: Column, code: int, within: tuple[float, float], n: int = 20_000) -> np.ndarray:
    found = field("x", column).decode(np.full(n, code), np.random.default_rng(0), within)
    return found.to_numpy()


def test_a_number_is_uniform_on_what_is_left_of_its_bin():
    column = Column(type="number", bounds=(0, 10), bins=2)
    values = drawn(column, 0, (4, math.inf))
    assert values.min() >= 4 and values.max() <= 5
    # Mean of 20,000 uniforms on [4, 5]: sd 0.00204; 6 sd.
    assert values.mean() == pytest.approx(4.5, abs=6 * 0.00204)


def test_an_amount_is_uniform_in_the_logarithm_on_what_is_left():
    column = Column(type="number", bounds=(0, 1e6), bins=1, scale="log")
    values = np.log1p(drawn(column, 0, (9, 99)))
    low, high = math.log(10), math.log(100)
    assert values.min() >= low - 1e-12 and values.max() <= high + 1e-12
    sd = (high - low) / math.sqrt(12 * 20_000)
    assert values.mean() == pytest.approx((low + high) / 2, abs=6 * sd)


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_count_takes_each_whole_number_that_is_left_and_no_other(scale):
    column = Column(type="count", bounds=(0, 100), bins=1, scale=scale)
    values = drawn(column, 0, (2.5, 6.0))
    assert set(values) == {3, 4, 5, 6}


def test_the_last_bin_is_closed_and_a_point_is_a_point():
    column = Column(type="count", bounds=(0, 10), bins=2)
    assert set(drawn(column, 1, (10, 99))) == {10}
    assert set(drawn(Column(type="number", bounds=(0, 10), bins=2), 1, (7, 7))) == {7}


def test_a_bin_that_the_range_does_not_meet_stays_as_it_is():
    column = Column(type="number", bounds=(0, 10), bins=2)
    values = drawn(column, 0, (8, 9))
    assert values.min() >= 0 and values.max() <= 5 and values.std() > 1


def test_atoms_categories_and_missing_are_left_alone():
    column = Column(type="number", bounds=(0, 10), bins=1, atoms=(0,))
    codes = np.array([0, 2])
    found = field("x", column).decode(codes, np.random.default_rng(0), (5, 6)).to_numpy()
    assert found[0] == 0 and math.isnan(found[1])
