"""Many tables with one bound: nobody adds more than it, and everybody adds on their own."""

import math
from dataclasses import replace

import numpy as np
import pytest
from few_patients import CODEC, DRUG, PAIN, extreme_patients, moved_by, random_patients, tokens_of
from hypothesis import given, settings
from hypothesis import strategies as st

from dpsynth.errors import BudgetError
from dpsynth.privacy.clipped_tables import ClippedTables
from dpsynth.privacy.query import Query, Slot

STEPS = tuple(Query((Slot("now", j), Slot("next", j))) for j in (0, 1))
NOWS = tuple(Query((Slot("turn"), Slot("now", j))) for j in (0, 1))
EVERYBODY = tokens_of([*extreme_patients(), *random_patients(60, 1)])


def test_a_patient_within_the_bound_counts_whole():
    # One transition, 0 -> 1 of pain and 2 -> 2 of drug: 1 in each table, length sqrt(2) <= 2.
    asked = ClippedTables(tables=STEPS, bound=2.0)
    pain, drug = asked.split(asked.answer(tokens_of([(0, [(0, 2), (1, 2)])]), CODEC), CODEC)
    assert pain.shape == (PAIN, PAIN) and drug.shape == (DRUG, DRUG)
    assert (pain.sum(), pain[0, 1], drug.sum(), drug[2, 2]) == (1, 1, 1, 1)


def test_a_patient_beyond_the_bound_counts_for_less():
    # Weights 3 and 4: length 5, bound 1, so a fifth of each table.
    tables = tuple(Query(q.slots, w) for q, w in zip(STEPS, (3.0, 4.0), strict=True))
    asked = ClippedTables(tables=tables, bound=1.0)
    whole = asked.answer(tokens_of([(0, [(0, 2), (1, 2)])]), CODEC)
    assert np.linalg.norm(whole) == pytest.approx(1.0)
    assert whole[0 * PAIN + 1] == pytest.approx(0.6)
    assert whole[PAIN * PAIN + 2 * DRUG + 2] == pytest.approx(0.8)
    pain, drug = asked.split(whole, CODEC)
    assert (pain[0, 1], drug[2, 2]) == pytest.approx((0.2, 0.2))


def test_visits_that_differ_are_not_clipped_where_visits_alike_are():
    # Three pairs in three cells: length sqrt(3 / 9) per table; in one cell: 1.
    asked = ClippedTables(tables=STEPS[:1], bound=0.6)
    differ, alike = [(0, 0), (1, 0), (2, 0), (0, 0)], [(1, 0)] * 4
    assert asked.answer(tokens_of([(0, differ)]), CODEC).sum() == pytest.approx(1.0)
    assert asked.answer(tokens_of([(0, alike)]), CODEC).sum() == pytest.approx(0.6)


def test_who_has_nothing_to_count_adds_nothing():
    asked = ClippedTables(tables=STEPS, bound=0.1)
    assert not asked.answer(tokens_of([(0, []), (1, [(2, 2)])]), CODEC).any()
    assert not asked.answer(tokens_of([]), CODEC).any()


@settings(max_examples=60, deadline=None)
@given(
    weights=st.lists(st.floats(1e-9, 1e9), min_size=4, max_size=4),
    bound=st.floats(1e-6, 1e3),
    seed=st.integers(0, 2**31),
)
def test_nobody_moves_the_answer_by_more_than_the_bound(weights, bound, seed):
    tables = tuple(Query(q.slots, w) for q, w in zip(STEPS + NOWS, weights, strict=True))
    asked = ClippedTables(tables=tables, bound=bound)
    few = tokens_of(random_patients(6, seed))
    assert moved_by(asked, few).max() <= asked.sensitivity * (1 + 1e-12)
    whole = asked.answer(few, CODEC)
    for gone in range(len(few)):
        rest = few.take(np.delete(np.arange(len(few)), gone))
        moved = np.linalg.norm(whole - asked.answer(rest, CODEC))
        assert moved <= asked.sensitivity * (1 + 1e-9)


@pytest.mark.parametrize("bound", [1e-6, 0.3, 0.65 * 2**0.5, 2**0.5])
def test_the_bound_holds_for_extremes_and_is_reached(bound):
    moved = moved_by(ClippedTables(tables=STEPS, bound=bound), EVERYBODY)
    assert moved.max() <= bound * (1 + 1e-12)
    assert moved.max() >= bound * (1 - 1e-12)


@pytest.mark.parametrize(
    "weights", [(1e-300, 1e-300), (1e-200, 1.0), (1e300, 1e-300), (1e308,) * 2]
)
@pytest.mark.parametrize("bound", [1e-250, 1.0, 1e200])
def test_weights_far_from_one_do_not_outrun_the_bound(weights, bound):
    # Squared, 1e-200 is 0: a norm of squares would let such a patient through unclipped.
    tables = tuple(Query(q.slots, w) for q, w in zip(STEPS, weights, strict=True))
    with np.errstate(over="ignore"):
        whole = [
            ClippedTables(tables=tables, bound=bound).answer(EVERYBODY.take(np.array([i])), CODEC)
            for i in range(0, len(EVERYBODY), 7)
        ]
    for each in whole:
        assert np.isfinite(each).all()
        assert math.hypot(*each.tolist()) <= bound * (1 + 1e-12)


def test_what_a_patient_adds_does_not_depend_on_others():
    asked = ClippedTables(tables=STEPS + NOWS, bound=0.9)
    alone = sum(asked.answer(EVERYBODY.take(np.array([i])), CODEC) for i in range(len(EVERYBODY)))
    np.testing.assert_allclose(asked.answer(EVERYBODY, CODEC), alone, rtol=1e-12, atol=1e-12)


def test_a_grid_that_is_never_clipped_is_counted_whole():
    # Each patient has all four turns: a quarter in four cells of each table, length sqrt(2 / 4).
    asked = ClippedTables(tables=NOWS, bound=(2 / 4) ** 0.5)
    everybody = tokens_of([(0, rows * 4) for rows in ([(0, 1)], [(2, 2)])])
    for table in asked.split(asked.answer(everybody, CODEC), CODEC):
        np.testing.assert_allclose(table.sum(axis=1), 2 / 4)


@pytest.mark.parametrize("wrong", [0.0, -1.0, math.inf, math.nan])
def test_what_would_void_the_bound_is_refused(wrong):
    # A weight inside is not seen by the joint release; NaN would show which cells are in use.
    with pytest.raises(BudgetError, match="weight"):
        ClippedTables(tables=(STEPS[0], replace(STEPS[1], weight=wrong)), bound=1.0)
    with pytest.raises(BudgetError, match="bound"):
        ClippedTables(tables=STEPS, bound=wrong)


def test_no_tables_are_refused():
    with pytest.raises(BudgetError, match="tables"):
        ClippedTables(tables=(), bound=1.0)
