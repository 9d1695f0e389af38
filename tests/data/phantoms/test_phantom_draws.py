"""Numbers that belong to a patient and a name."""

import numpy as np
from scipy import stats

from dpsynth.data.phantoms.draws import STEP, Draws, _mixed

ROWS = np.arange(20_000)


def test_the_hash_is_splitmix64():
    # The first two numbers of SplitMix64 from state 0, as its authors' C code prints them.
    state = STEP * np.array([1, 2], dtype=np.uint64)
    assert [hex(each) for each in _mixed(state)] == ["0xe220a8397b1dcdaf", "0x6e789e6aa1b965f4"]


def test_a_row_does_not_depend_on_the_others():
    whole = Draws(1, "x", ROWS).flat("a")
    assert (Draws(1, "x", ROWS[::-7]).flat("a") == whole[::-7]).all()


def test_numbers_are_uniform_and_normal():
    # Kolmogorov-Smirnov; each fails by chance for 1e-6 of all seeds.
    own = Draws(1, "x", ROWS)
    assert stats.kstest(own.flat("a"), "uniform").pvalue > 1e-6
    assert stats.kstest(own.grain("a", 1).ravel(), "norm").pvalue > 1e-6


def test_names_seeds_scopes_and_counters_are_independent():
    # Correlations of 20,000 independent pairs have sd 0.00707; 10 pairs at 5.3 sd: 1e-6.
    columns = [
        Draws(1, "x", ROWS).flat("a"),
        Draws(1, "x", ROWS).flat("b"),
        Draws(2, "x", ROWS).flat("a"),
        Draws(1, "y", ROWS).flat("a"),
        Draws(1, "x", ROWS, np.zeros_like(ROWS)).flat("a"),
    ]
    between = np.corrcoef(columns)[np.triu_indices(5, 1)]
    assert np.abs(between).max() < 5.3 / np.sqrt(len(ROWS))


def test_neighbouring_pixels_are_independent():
    grain = Draws(1, "x", ROWS[:50]).grain("g", 28)[..., 0]
    pairs = np.corrcoef(grain[:, :, :-1].ravel(), grain[:, :, 1:].ravel())[0, 1]
    assert abs(pairs) < 5 / np.sqrt(grain[:, :, 1:].size)  # 6e-7 of all seeds
