"""Small groups' losses, pulled towards everyone's."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.evaluation.bias.shrinkage import shrunk
from dpsynth.evaluation.estimate import NORMAL_95, Estimate, not_assessable

EVERYONE = Estimate(0.05, 0.04, 0.06, 1000)


def loss(value: float, error: float) -> Estimate:
    return Estimate(value, value - NORMAL_95 * error, value + NORMAL_95 * error, 100)


def test_shrinkage_worked_by_hand():
    # Distances from 0.05: 0.1, -0.1, 0.1, -0.1; errors all 0.05. tau^2 = 0.01 - 0.0025 = 0.0075.
    # B = 0.0075 / 0.01 = 0.75. Values 0.05 +- 0.075; half width 1.96 x sqrt(0.75) x 0.05.
    found = shrunk([loss(v, 0.05) for v in (0.15, -0.05, 0.15, -0.05)], EVERYONE)
    assert [each.value for each in found] == pytest.approx([0.125, -0.025, 0.125, -0.025])
    assert found[0].high - found[0].value == pytest.approx(NORMAL_95 * 0.75**0.5 * 0.05)
    assert (found[0].n, found[0].note) == (100, "")


def test_groups_that_differ_by_chance_lose_what_everyone_loses():
    # Mean square 0.0001 is below the error's 0.0025: tau^2 = 0.
    found = shrunk([loss(v, 0.05) for v in (0.04, 0.06, 0.05)], EVERYONE)
    assert {(each.value, each.low, each.high) for each in found} == {(0.05, 0.05, 0.05)}
    assert found[0].note == "groups differ no more than chance gives"


def test_an_unsure_group_moves_further_than_a_sure_one():
    sure, unsure, *_ = shrunk([loss(0.3, 0.01), loss(0.3, 0.1), loss(0.05, 0.01)], EVERYONE)
    assert 0.05 < unsure.value < sure.value < 0.3


def test_true_losses_are_met_better_than_by_what_was_measured():
    # 40 groups, true losses N(0.05, 0.03), measured with error 0.06: B is about 0.2, so that the
    # mean square error falls about fivefold; a fall by less than half is beyond 1e-6.
    rng = np.random.default_rng(0)
    true = rng.normal(0.05, 0.03, 40)
    measured = true + rng.normal(0, 0.06, 40)
    found = np.array([each.value for each in shrunk([loss(v, 0.06) for v in measured], EVERYONE)])
    assert ((found - true) ** 2).mean() < ((measured - true) ** 2).mean() / 2


def test_few_groups_tell_nothing_of_how_groups_differ():
    found = shrunk([loss(0.1, 0.1), not_assessable("3 events", 7), loss(0.1, 0.1)], EVERYONE)
    assert [each.assessable for each in found] == [False] * 3
    few = "2 groups, fewer than 3"
    assert [each.note for each in found] == [few, "3 events", few]
    assert found[1].n == 7
    assert not shrunk([loss(0.1, 0.1)] * 3, not_assessable("one class"))[0].assessable
    assert shrunk([], EVERYONE) == []


def test_equal_and_certain_losses_do_not_crash():
    found = shrunk([loss(0.05, 0.0)] * 3, EVERYONE)
    assert [each.value for each in found] == [0.05] * 3
    assert shrunk([loss(0.2, 0.0)] * 3, EVERYONE)[0].value == pytest.approx(0.2)
