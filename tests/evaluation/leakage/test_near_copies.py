"""Near copies are found where chance does not explain them; the legacy share is not."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.evaluation.leakage.closest import LEGACY, dcr_share
from dpsynth.evaluation.leakage.density_ratio import closeness
from dpsynth.evaluation.leakage.near_copies import fresh_rate, near_copy_rate
from dpsynth.evaluation.leakage.nearest import nearest
from dpsynth.evaluation.verdict import lower, upper


def near(tokens, train, holdout, own=False):
    return nearest(tokens, train), nearest(tokens, holdout, but_self=own)


def test_near_copies_by_hand():
    # Nine fresh patients: the limit is the closest, 9. Two of four are beyond it, one is on it.
    fresh = np.arange(1.0, 10.0)
    made = near_copy_rate(np.array([9.5, 20.0, 9.0, 0.0]), fresh)
    assert made.value == 0.5
    # 1 of 10 orderings puts a fresh patient above nine others.
    assert fresh_rate(9).value == pytest.approx(0.1)
    assert fresh_rate(2000).value == pytest.approx(2 / 2001)  # the second closest: 0.1 %


@pytest.mark.parametrize("altered", [0, 1])
def test_one_percent_of_copies_is_found_with_a_code_altered(wide, planted, altered):
    # 20 of 2,000. Fresh patients have up to 0.4 % by chance among 1,000 (97.5 %).
    train, holdout = wide(2000, 1), wide(1000, 2)
    fresh = closeness(*near(holdout, train, holdout, own=True), 31)
    made = closeness(*near(planted(train, 20, 2000, 3, altered), train, holdout), 31)
    found, chance = near_copy_rate(made, fresh), fresh_rate(1000)
    assert found.value >= 0.01
    assert found.low > chance.high
    blind = closeness(*near(planted(train, 0, 2000, 3), train, holdout), 31)
    assert near_copy_rate(blind, fresh).low <= chance.high


def test_ordinary_patients_only_are_no_near_copies(wide):
    # Everyone is near the middle, nearer than real patients are to each other, and nobody was
    # copied: distances alone would call this a leak.
    train, holdout = wide(1500, 1), wide(1000, 2)
    middle = wide(1500, 3).take(np.argsort(nearest(wide(1500, 3), holdout))[:500])
    distances = near(middle, train, holdout)
    assert distances[0].mean() < nearest(holdout, train).mean()
    fresh = closeness(*near(holdout, train, holdout, own=True), 31)
    assert near_copy_rate(closeness(*distances, 31), fresh).low <= fresh_rate(1000).high


def test_fresh_patients_raise_no_alarm_more_often_than_stated():
    # As `verdict.leak` compares them, at 2.5 %: over 300 runs more than 24 alarms in fewer
    # than 1e-6 of runs at 2.5 %; both intervals must miss each other, so there are fewer.
    rng, alarms = np.random.default_rng(2), 0
    for _ in range(300):
        made, fresh = rng.random(800), rng.random(400)
        found, chance = near_copy_rate(made, fresh), fresh_rate(400)
        alarms += lower(found, 0.025) > upper(chance, 0.025)
    assert alarms <= 24


def test_the_legacy_share_misses_what_near_copies_show(wide, planted):
    train, holdout = wide(1000, 1), wide(1000, 2)
    made = dcr_share(*near(planted(train, 10, 1000, 3), train, holdout))
    # 1 % more at most; the sd is 0.016, and 0.08 is 5 of them.
    assert abs(made.value - 0.5) < 0.08
    assert made.note == LEGACY
    assert dcr_share(*near(train, train, holdout)).value == 1.0


def test_the_legacy_share_by_hand():
    # Nearer, further, equal, nearer: (1 + 0 + 1/2 + 1) / 4.
    made = dcr_share(np.array([0.1, 0.3, 0.2, 0.0]), np.array([0.2, 0.1, 0.2, 0.5]))
    assert made.value == pytest.approx(0.625)


def test_nobody_to_look_at_is_not_assessable():
    none, some = np.array([]), np.array([1.0])
    assert not near_copy_rate(none, some).assessable
    assert not near_copy_rate(some, none).assessable
    assert not fresh_rate(0).assessable
    assert not dcr_share(none, none).assessable
    assert near_copy_rate(some, some).value == 0
