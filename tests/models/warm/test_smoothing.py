"""Noisy transitions: what was measured stays where noise is small, a plain law where it rules."""

import numpy as np
import pytest
from few_columns import ABC, PAIN

from dpsynth.data.field import field
from dpsynth.models.tables import cleaned
from dpsynth.models.warm.smoothing import distances, pooled, smoothed_steps


def staying(codes: int, stays: float = 0.7) -> np.ndarray:
    """A chain of even shares that stays with that chance, else moves anywhere."""
    even = np.full((codes, codes), (1 - stays) / codes**2)
    return even + np.eye(codes) * stays / codes


def sides(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return table.sum(axis=1) / table.sum(), table.sum(axis=0) / table.sum()


def test_kinds_of_change_worked_by_hand():
    # A category: none or any. A count of 4 bins that may be missing: how far, and to and from.
    assert distances(field("drug", ABC)).tolist() == [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    assert distances(field("pain", PAIN)).tolist() == [
        [0, 1, 2, 3, 4],
        [1, 0, 1, 2, 4],
        [2, 1, 0, 1, 4],
        [3, 2, 1, 0, 4],
        [5, 5, 5, 5, 6],
    ]


def test_without_noise_nothing_changes():
    table = np.random.default_rng(0).random((5, 5)) * 1000
    found = smoothed_steps(table, 1e-9, distances(field("pain", PAIN)), *sides(table))
    np.testing.assert_allclose(found, table / table.sum(), atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_where_noise_rules_the_plain_law_is_far_nearer(seed):
    # 10 codes, 1,000 patients, noise of 20 a cell: each cell off the diagonal holds 3.
    kinds = distances(field("a", ABC.model_copy(update={"categories": tuple("abcdefghij")})))
    truth = staying(10)
    noisy = 1000 * truth + 20 * np.random.default_rng(seed).normal(size=(10, 10))
    found = smoothed_steps(noisy, 20.0, kinds, *sides(truth))
    off, raw = (np.abs(each - truth).sum() / 2 for each in (found, cleaned(noisy, 20.0)))
    assert found.min() >= 0
    assert found.sum() == pytest.approx(1.0)
    assert off < 0.75 * raw


def test_a_departure_beyond_noise_is_kept():
    # One pair of codes alternates, which no plain law says.
    kinds = distances(field("drug", ABC))
    truth = np.array([[0.0, 0.4, 0.02], [0.4, 0.0, 0.02], [0.02, 0.02, 0.12]])
    noisy = 10_000 * truth + 5 * np.random.default_rng(0).normal(size=(3, 3))
    found = smoothed_steps(noisy, 5.0, kinds, *sides(truth))
    np.testing.assert_allclose(found, truth, atol=0.003)


def test_histograms_that_are_alike_lend_each_other_precision():
    truth, rng = np.full(8, 1 / 8), np.random.default_rng(0)
    noisy = [1000 * truth + sd * rng.normal(size=8) for sd in (5.0, 60.0)]
    first, second = pooled(noisy, [5.0, 60.0])
    alone = np.abs(cleaned(noisy[1], 60.0) - truth).sum()
    assert np.abs(second - truth).sum() < 0.5 * alone
    assert np.abs(first - truth).sum() < 0.05
    # What differs beyond noise keeps its difference.
    other = np.linspace(0.05, 0.2, 8)
    first, second = pooled([1000 * truth, 1000 * other / other.sum()], [0.5, 0.5])
    np.testing.assert_allclose(second, other / other.sum(), atol=1e-3)
    np.testing.assert_allclose(first, truth, atol=1e-3)


def test_nothing_but_noise_still_gives_distributions():
    noisy = 50 * np.random.default_rng(0).normal(size=(5, 5))
    for each in pooled([noisy.sum(axis=1), noisy.sum(axis=0)], [110.0, 110.0]):
        assert each.sum() == pytest.approx(1.0)
        assert each.min() >= 0
    even = np.full(5, 0.2)
    found = smoothed_steps(noisy, 50.0, distances(field("pain", PAIN)), even, even)
    assert found.sum() == pytest.approx(1.0)
    assert found.min() >= 0
