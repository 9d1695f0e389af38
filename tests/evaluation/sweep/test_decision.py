"""The least epsilon that is good enough, worked by hand."""

from __future__ import annotations

import math

import pytest

from dpsynth.errors import InputError
from dpsynth.evaluation.sweep import Cell, Thresholds, decide

BOTH = Thresholds(loss=0.03, group_loss=0.05)


def loss(epsilon, value, half, *, group=None, model="log-linear", seeds=3, note=""):
    """A loss whose interval for both chances is value +- half."""
    numbers = (value, value - half / 2, value + half / 2, value - half, value + half)
    return Cell(
        model=model,
        epsilon=epsilon,
        metric="auc_loss",
        group=group,
        value=numbers[0],
        low=numbers[1],
        high=numbers[2],
        least=numbers[3],
        most=numbers[4],
        seeds=seeds,
        n=400,
        note=note,
    )


def blank(epsilon, group):
    return loss(epsilon, math.nan, 0.0, group=group, note="12 events, fewer than 50")


def test_the_least_epsilon_that_meets_both_at_the_bad_end_is_drafted():
    found = decide(
        [
            # 0.5: 0.08 - 0.01 > 0.03 even at best. 1: 0.02 + 0.02 > 0.03, but 0.02 - 0.02 below.
            loss(0.5, 0.08, 0.01),
            loss(0.5, 0.08, 0.01, group="sex f"),
            loss(1.0, 0.02, 0.02),
            loss(1.0, 0.03, 0.01, group="sex f"),
            # 3: 0.02 + 0.01 <= 0.03, and 0.03 + 0.02 <= 0.05.
            loss(3.0, 0.02, 0.01),
            loss(3.0, 0.03, 0.02, group="sex f"),
            loss(10.0, 0.01, 0.01),
            loss(10.0, 0.01, 0.01, group="sex f"),
        ],
        BOTH,
    )
    assert (found.status, found.model, found.epsilon) == ("draft", "log-linear", 3.0)
    assert [c.verdict for c in found.candidates] == ["fails", "undecided", "meets", "meets"]
    assert "at a smaller epsilon 1" in " ".join(found.reasons).lower()


def test_one_group_beyond_its_threshold_is_enough_to_fail():
    cells = [loss(3.0, 0.01, 0.01), *(loss(3.0, 0.02, 0.01, group=f"age {i}") for i in range(5))]
    assert decide(cells, BOTH).status == "draft"
    worse = [*cells, loss(3.0, 0.09, 0.03, group="age 80 to 100")]
    found = decide(worse, BOTH)
    assert found.status == "none" and found.epsilon is None
    assert "age 80 to 100" in " ".join(found.reasons)
    assert decide(worse, Thresholds(loss=0.03)).status == "draft"  # groups were not asked about


def test_an_interval_that_holds_the_threshold_allows_no_decision():
    found = decide([loss(3.0, 0.025, 0.02)], Thresholds(loss=0.03))
    assert found.status == "undecided" and found.model is None
    assert "do not allow a decision" in found.reasons[0]


def test_the_edge_belongs_to_what_is_allowed():
    exact = loss(3.0, 0.25, 0.125)  # 0.375 without rounding
    assert decide([exact], Thresholds(loss=0.375)).status == "draft"
    assert decide([exact], Thresholds(loss=0.374)).status == "undecided"


def test_of_one_seed_nothing_is_decided_but_a_failure():
    assert decide([loss(3.0, 0.0, 0.01, seeds=1)], Thresholds(loss=0.03)).status == "undecided"
    assert decide([loss(3.0, 0.09, 0.01, seeds=1)], Thresholds(loss=0.03)).status == "none"


def test_small_groups_are_named_and_stand_among_the_reasons():
    cells = [
        loss(3.0, 0.01, 0.01),
        loss(3.0, 0.01, 0.01, group="sex f"),
        blank(3.0, "age 10 to 20"),
    ]
    found = decide(cells, BOTH)
    assert found.status == "draft"
    assert found.not_assessable == ("age 10 to 20: not assessable (12 events, fewer than 50)",)
    assert "Of 1 group nothing is known" in " ".join(found.reasons)


def test_where_no_group_can_be_assessed_a_threshold_on_groups_is_not_met():
    found = decide([loss(3.0, 0.01, 0.01), blank(3.0, "sex f")], BOTH)
    assert found.status == "undecided"
    assert "No group can be assessed" in " ".join(found.reasons)


def test_without_noise_is_no_candidate_and_of_equal_epsilons_the_better_is_taken():
    cells = [
        loss(math.inf, 0.0, 0.001),
        loss(3.0, 0.02, 0.01, model="a"),
        loss(3.0, 0.01, 0.01, model="b"),
    ]
    found = decide(cells, Thresholds(loss=0.03))
    assert (found.model, found.epsilon) == ("b", 3.0)
    assert all(math.isfinite(c.epsilon) for c in found.candidates)
    assert decide(cells[:1], Thresholds(loss=0.03)).status == "none"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "needs a threshold"),
        ({"loss": 0.0}, "max-loss must"),
        ({"group_loss": 1.5}, "max-group"),
    ],
)
def test_thresholds_are_checked(given, told):
    with pytest.raises(InputError, match=told):
        Thresholds(**given)
