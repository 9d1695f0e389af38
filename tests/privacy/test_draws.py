"""Maskings belong to a patient: nobody else's change when somebody joins."""

import numpy as np
import pytest
import torch
from scipy import stats

from dpsynth.privacy.draws import RowDraws, normals

KEYS = torch.tensor([3, -(2**63), 2**63 - 1, 0, 17])


def splitmix(key: int, view: int, seed: int, places: int) -> list[float]:
    """The definition in Python's whole numbers."""

    def mixed(x: int) -> int:
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) % 2**64
        return x ^ (x >> 31)

    gamma = 0x9E3779B97F4A7C15
    start = mixed(key % 2**64 ^ mixed((seed + view * gamma) % 2**64))
    words = [mixed((start + (place + 1) * gamma) % 2**64) for place in range(places)]
    return [(word >> 40) / 2**24 for word in words]


@pytest.mark.parametrize("seed", [0, 1, 2**63 - 1])
def test_draws_are_those_of_the_reference(seed):
    found = RowDraws(KEYS, seed, views=2).uniform(4)
    expected = [splitmix(int(key), view, seed, 4) for key in KEYS for view in range(2)]
    assert found.dtype == torch.float32
    assert found.tolist() == expected


def test_a_row_draws_the_same_in_any_company():
    keys = torch.randint(-(2**63), 2**63 - 1, (40,))
    together, chosen = RowDraws(keys, 5, views=3), torch.tensor([31, 2, 7])
    apart = RowDraws(keys[chosen], 5, views=3)
    for shape in ((), (4,), (2, 3), (0,)):  # and over several calls
        rows = together.uniform(*shape).view(40, 3, *shape)
        torch.testing.assert_close(
            rows[chosen].flatten(0, 1), apart.uniform(*shape), rtol=0, atol=0
        )


def test_views_calls_and_seeds_differ():
    draws = RowDraws(KEYS, 5, views=2)
    first, second = draws.uniform(8), draws.uniform(8)
    other = RowDraws(KEYS, 6, views=2).uniform(8)
    values = torch.cat([first, second, other]).flatten()
    assert len(values.unique()) == len(values)


def test_nobody_draws_nothing():
    assert RowDraws(torch.zeros(0, dtype=torch.int64), 5, views=2).uniform(3, 2).shape == (0, 3, 2)


def test_draws_are_uniform_within_and_across_rows():
    # 4 tests of a fixed stream: either it passes for ever or never.
    draws = RowDraws(torch.arange(600), 11).uniform(600).double().numpy()
    assert draws.min() >= 0
    assert draws.max() < 1
    assert stats.kstest(draws.ravel(), "uniform").pvalue > 1e-4
    for table in (draws, draws.T):
        pairs = (table[1:] - 0.5) * (table[:-1] - 0.5) * 12
        assert abs(pairs.mean()) < 4 / np.sqrt(pairs.size)


def test_normals_are_finite_whatever_the_uniform_is(monkeypatch):
    # In 32 bits the largest uniform, 1 - 2^-24, and half a step more is 1: an infinite normal.
    ends = torch.tensor([[0.0, 0.5, 1 - 2.0**-24]])
    monkeypatch.setattr(RowDraws, "uniform", lambda self, *shape: ends)
    found = normals(RowDraws(torch.tensor([1]), 0), 3)[0]
    assert found.isfinite().all()
    assert found[0] == -found[2] and found[0] < -5
    assert found[1].abs() < 1e-6
