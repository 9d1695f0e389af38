"""How `table-diffusion` splits its budget: by epsilon, a public fact, and by nothing else."""

import pytest

from dpsynth.errors import InputError
from dpsynth.models.diffusion_settings import Settings, share_of_tables


def test_the_ends_and_between():
    assert share_of_tables(0.1) == share_of_tables(1.0) == pytest.approx(0.88)
    assert share_of_tables(10.0) == share_of_tables(100.0) == pytest.approx(0.65)
    assert share_of_tables(10**0.5) == pytest.approx((0.88 + 0.65) / 2)


def test_training_always_has_a_part():
    assert share_of_tables(1e-6) + Settings().bounds_share < 1


def test_too_much_together_is_refused_where_the_split_is_left_to_the_planner():
    with pytest.raises(InputError, match="add up to less than 1"):
        Settings(bounds_share=0.2)
