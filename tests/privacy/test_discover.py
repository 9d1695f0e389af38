"""Bins and categories that are found: what one patient can reveal, and what comes out."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dpsynth.data.records import Records
from dpsynth.privacy.discover import (
    GRID,
    category_field,
    exact_field,
    grid_counts,
    number_field,
    private_columns,
    shares,
    threshold,
)
from dpsynth.privacy.door import Door
from dpsynth.privacy.noise import CryptoStream
from dpsynth.privacy.plan import Plan, Release
from dpsynth.schema import Column

ALARM = 1e-6
NUMBER = Column(type="number", private=True, bins=8)
COUNT = Column(type="count", private=True, bins=8)
WARD = Column(type="category", private=True)


def records_of(static: dict, visits: dict, patients: int) -> Records:
    frame = {"patient": np.zeros(0, dtype=np.int64), "time": np.zeros(0), **visits}
    keys = np.array([f"p{i}" for i in range(patients)], dtype=object)
    return Records(keys, pd.DataFrame(static, index=range(patients)), pd.DataFrame(frame))


def test_only_private_columns_are_looked_for():
    columns = {"age": NUMBER, "sex": Column(type="category", categories=("f",)), "ward": WARD}
    assert list(private_columns(columns)) == ["age", "ward"]


def test_weights_of_four_patients_worked_by_hand():
    # Patient 0: two known of three kept visits (the fourth is cut); 1: one; 2: none known; 3: none.
    visits = {
        "patient": np.array([0, 0, 0, 0, 1, 2]),
        "time": np.arange(6.0),
        "pain": np.array([7.0, np.nan, 8.0, 9.0, 1.0, np.nan]),
    }
    values, weights = shares(records_of({}, visits, 4), "pain", 3)
    assert values.tolist() == [7.0, 8.0, 1.0]
    assert weights.tolist() == [0.5, 0.5, 1.0]
    static = {"age": np.array([30.0, np.nan, 50.0])}
    values, weights = shares(records_of(static, {}, 3), "age", 3)
    assert (values.tolist(), weights.tolist()) == ([30.0, 50.0], [1.0, 1.0])


HOSTILE = st.sampled_from([0.0, 1.0, 1e20, -1e20, 1e308, np.inf, -np.inf, np.nan])


@settings(max_examples=80, deadline=None)
@given(
    histories=st.lists(st.lists(HOSTILE, max_size=7), min_size=1, max_size=5),
    most=st.integers(1, 5),
    data=st.data(),
)
def test_no_patient_weighs_more_than_1_in_the_grid(histories, most, data):
    def grid(kept: list[list[float]]) -> np.ndarray:
        who = np.repeat(np.arange(len(kept)), [len(h) for h in kept]).astype(np.int64)
        pain = np.array([v for h in kept for v in h], dtype=np.float64)
        visits = {"patient": who, "time": np.zeros(len(who)), "pain": pain}
        return grid_counts(*shares(records_of({}, visits, len(kept)), "pain", most))

    gone = data.draw(st.integers(0, len(histories) - 1))
    moved = grid(histories) - grid(histories[:gone] + histories[gone + 1 :])
    assert np.abs(moved).sum() <= 1 + 1e-12
    assert moved.min() >= -1e-12


def test_the_grid_takes_every_number():
    values = pd.Series([-np.inf, -1e20, -1.0, 0.0, 1.0, 1.18, 1.2, 1e20, np.inf])
    cells = grid_counts(values, np.ones(9))
    assert cells.sum() == 9
    assert len(cells) == len(GRID) + 1
    assert (cells[0], cells[-1]) == (2, 2)
    assert cells[len(GRID) // 2] == 1  # 0 has a cell around it
    assert cells.max() == 2  # 1 and 1.18 share [1, 2^(1/4))
    assert (np.diff(GRID) > 0).all()


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    column=st.sampled_from(
        [NUMBER, COUNT, *(c.model_copy(update={"bounds": (0.0, 9.0)}) for c in (NUMBER, COUNT))]
    ),
    loud=st.integers(0, 40),
)
def test_bins_always_increase(seed, column, loud):
    rng = np.random.default_rng(seed)
    noisy = rng.normal(0, 1.0, len(GRID) + 1)
    noisy[rng.integers(0, len(noisy), loud)] += rng.choice([5.0, 1e3, 1e15], loud)
    edges = np.array(number_field("x", column, noisy, 1.0).edges)
    assert len(edges) >= 2
    assert (np.diff(edges) > 0).all()
    assert np.isfinite(edges).all()


def exact_cells(values: np.ndarray) -> np.ndarray:
    return grid_counts(pd.Series(values), np.ones(len(values)))


def test_bins_follow_the_data_and_hold_about_equal_weight():
    values = np.random.default_rng(0).normal(100, 15, 5000)
    noisy = exact_cells(values) + np.random.default_rng(1).normal(0, 20, len(GRID) + 1)
    found = number_field("pressure", NUMBER, noisy, 20.0)
    assert found.edges[0] > 30
    assert found.edges[-1] < 200
    held = np.histogram(values, found.edges)[0] / len(values)
    assert len(held) == 8
    assert held.min() > 0.05
    assert held.max() < 0.25


def test_noise_alone_makes_no_range():
    # 350 empty cells: at two deviations each column would show eight of them, up to 1e9.
    rng = np.random.default_rng(2)
    wide = sum(
        max(map(abs, number_field("x", NUMBER, rng.normal(0, 5, len(GRID) + 1), 5.0).edges)) > 2
        for _ in range(300)
    )
    assert wide <= stats.binom.isf(ALARM, 300, 0.01)


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        ([0.0] * 90, 0, 0),
        ([0.0, 1.0, 2.0] * 40, 0, 2),
        ([3.0] * 90, 3, 3),
        ([-2.0, 2.0] * 50, -2, 2),
    ],
)
def test_counts_come_back_as_the_counts_that_were_seen(values, low, high):
    found = number_field("n", COUNT, exact_cells(np.array(values)), 0.1)
    codes = found.encode(pd.Series(values))
    drawn = found.decode(np.tile(codes, 20), np.random.default_rng(0))
    assert (drawn % 1 == 0).all()
    assert (drawn.min(), drawn.max()) == (low, high)
    assert (found.encode(drawn) == np.tile(codes, 20)).all()


def test_private_bins_stay_inside_public_bounds():
    for kind, top in (("number", 10.0), ("count", 10.5)):
        column = Column(type=kind, private=True, bins=4, bounds=(1.0, 10.0))
        found = number_field("x", column, exact_cells(np.linspace(1, 10, 500)), 0.1)
        assert 0.5 <= found.edges[0] <= 1.0
        assert found.edges[-1] == top
        drawn = found.decode(np.arange(len(found.edges) - 1).repeat(200), np.random.default_rng(0))
        assert drawn.min() >= 1.0
        assert drawn.max() <= 10.0


@pytest.mark.parametrize(("sd", "delta", "reach"), [(3.0, 1e-6, 1), (8.0, 1e-7, 24), (0.5, 0.1, 3)])
def test_the_threshold_lets_a_unique_category_through_with_chance_delta(sd, delta, reach):
    # Weight 1 at most, and at most `reach` of them: reach x Q((least - 1) / sd) = delta.
    least = threshold(sd, delta, reach)
    assert reach * stats.norm.sf((least - 1.0) / sd) == pytest.approx(delta)


def revealed(records: Records, delta: float, max_visits: int, trials: int) -> int:
    """In how many of the trials a name of the form "only ..." is revealed."""
    stream, hits = CryptoStream(), 0
    release = Release(name="categories", noise_multiplier=1.0, threshold_delta=delta)
    plan = Plan(epsilon=1.0, delta=0.5, population=50, releases=(release,))
    for _ in range(trials):
        door = Door(records, plan=plan, randomness=stream)
        names = door.discover({"ward": WARD}, max_visits)["ward"].categories
        hits += any(name.startswith("only") for name in names)
    return hits


def test_a_patients_own_category_is_revealed_as_often_as_stated():
    wards = np.array(["common"] * 40 + ["only one"], dtype=object)
    hits = revealed(records_of({"ward": wards}, {}, 41), 0.2, 1, 600)
    assert stats.binomtest(hits, 600, 0.2).pvalue > ALARM


def test_a_patient_with_many_own_categories_is_revealed_no_more_often():
    # Four visits in four wards of one's own, a quarter each: reach 4.
    who = np.concatenate([np.repeat(np.arange(30), 4), np.full(4, 30)])
    wards = np.array(["common"] * 120 + [f"only {i}" for i in range(4)], dtype=object)
    visits = {"patient": who, "time": np.zeros(124), "ward": wards}
    hits = revealed(records_of({}, visits, 31), 0.2, 4, 300)
    assert stats.binomtest(hits, 300, 0.2, alternative="greater").pvalue > ALARM
    # Visits past the maximum can't add more of them.
    hits = revealed(records_of({}, visits, 31), 0.2, 2, 100)
    assert stats.binomtest(hits, 100, 0.2, alternative="greater").pvalue > ALARM


def test_categories_above_the_threshold_are_kept_by_name_and_the_rest_are_other():
    noisy = {"b": 30.0, "rare": 9.9, "a": 10.1, "other": 50.0, "on it": 10.0}
    found = category_field("ward", WARD, noisy, 10.0)
    assert found.categories == ("a", "b", "other")
    codes = found.encode(pd.Series(["a", "b", "rare", "new", None], dtype=object))
    assert codes.tolist() == [0, 1, 2, 2, 3]
    assert found.size == 4


def test_nothing_above_the_threshold_leaves_other_and_missing():
    found = category_field("ward", WARD, {"rare": 1.0}, 10.0)
    assert found.labels == ["other", "(missing)"]


def test_a_cell_without_a_whole_number_still_makes_a_bin():
    # Noise may find [2^(1/4), 2^(1/2)), in which no count lies: one bin, for the count above it.
    noisy = np.zeros(len(GRID) + 1)
    noisy[np.searchsorted(GRID, 1.2, side="right")] = 50.0
    assert number_field("n", COUNT, noisy, 1.0).edges == (1.5, 2.5)


def test_the_internal_code_book_is_the_one_without_noise():
    records = records_of({"age": np.linspace(20, 60, 30), "ward": ["a"] * 29 + ["b"]}, {}, 30)
    ages = exact_field(records, "age", NUMBER, 1)
    assert ages == number_field("age", NUMBER, exact_cells(np.linspace(20, 60, 30)), 0.0)
    assert exact_field(records, "ward", WARD, 1).categories == ("a", "b", "other")
