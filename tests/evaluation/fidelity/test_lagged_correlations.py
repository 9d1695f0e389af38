"""Rank correlations of a visit with the next, within a column and between two."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.stats import spearmanr

from dpsynth.data.codec import Codec, Tokens, codec
from dpsynth.evaluation.controls import independent_columns
from dpsynth.evaluation.fidelity.autocorrelation import autocorrelation
from dpsynth.evaluation.fidelity.cross_lag import cross_lag
from dpsynth.evaluation.fidelity.lagged import groups_of_gaps, ordered, ranks_of
from dpsynth.schema import Clock, Column, Schema, Table

BOTH = [autocorrelation, cross_lag]
FLAG = Column(type="boolean", missing=False)


def book_of(columns: dict[str, Column], max_visits: int = 2, gap: bool = False) -> Codec:
    """A code book of visits with those columns."""
    bins = Column(type="number", bounds=(0, 10), bins=10) if gap else None
    table = Table(shape="visits", key="id", time=Clock(column="day", gap=bins), columns=columns)
    return codec(Schema(name="v", max_visits=max_visits, tables={"v": table}))


def tokens_of(visits: np.ndarray) -> Tokens:
    """Patients with all their visits, (patients, visits, columns) codes."""
    n, turns, _ = visits.shape
    none = np.zeros((n, 0), dtype=np.int16)
    return Tokens(
        static=none, visits=visits.astype(np.int16), length=np.full(n, turns, dtype=np.int16)
    )


def test_autocorrelation_by_hand(grid_codec):
    # Pooled pairs, real: 00 00 | 01 10 | 11 10 | 11 10: means 5/8 and 3/8, both 2/8,
    # covariance 2/8 - 15/64 = 1/64 of variance 15/64: 1/15. Other: 01 11 | 01 11 | 11 10 |
    # 11 10: 4/8 - 36/64 = -4/64 of 12/64: -1/3. Apart by 6/15. Each patient five times.
    four = np.array([[0, 0, 0], [0, 1, 0], [1, 1, 0], [1, 1, 0]])
    others = np.array([[0, 1, 1], [0, 1, 1], [1, 1, 0], [1, 1, 0]])
    real, other = (tokens_of(np.repeat(each, 5, axis=0)[:, :, None]) for each in (four, others))
    made = autocorrelation(real, other, grid_codec)
    assert made.value == pytest.approx(0.4, abs=1e-5)
    assert made.low <= made.value <= made.high
    still = tokens_of(np.zeros((20, 3, 1)))
    assert autocorrelation(real, still, grid_codec).value == pytest.approx(1 / 15, abs=1e-5)
    assert not autocorrelation(still, real, grid_codec).assessable
    assert not autocorrelation(real.take(np.arange(19)), other, grid_codec).assessable


def test_each_patient_weighs_the_same_however_many_visits():
    # Thirty patients of two visits that keep their value, thirty of four that turn it around:
    # by patients 1/2 stay and 1/2 turn, correlation 0; by pairs it would be -1/2.
    book = book_of({"on": FLAG}, max_visits=4)
    on = np.zeros((60, 4, 1), dtype=np.int16)
    on[::2] = 1
    on[30:, 1::2] = 1 - on[30:, 1::2]
    length = np.repeat([2, 4], 30).astype(np.int16)
    on[:30, 2:] = -1
    mixed = Tokens(static=np.zeros((60, 0), dtype=np.int16), visits=on, length=length)
    keeps = tokens_of(np.repeat(np.arange(60)[:, None] % 2, 4, axis=1)[:, :, None])
    assert autocorrelation(keeps, mixed, book).value == pytest.approx(1.0, abs=1e-5)


def test_cross_lag_by_hand():
    # b at the next visit is a now, in the copy its opposite; b now says nothing of a next:
    # (2 + 0) / 2 over both ordered pairs. All eight patients, three times.
    book = book_of({"a": FLAG, "b": FLAG})
    eight = np.array(list(product((0, 1), repeat=3)) * 3)

    def made(following: np.ndarray) -> Tokens:
        first, second = eight[:, [0, 1]], np.stack([eight[:, 2], following], axis=1)
        return tokens_of(np.stack([first, second], axis=1))

    real, other = made(eight[:, 0]), made(1 - eight[:, 0])
    assert cross_lag(real, other, book).value == pytest.approx(1.0, abs=1e-5)
    assert cross_lag(real, real, book).value == pytest.approx(0.0, abs=1e-6)


def test_few_of_many_pairs_are_noted():
    book = book_of({f"x{i}": FLAG for i in range(4)})
    visits = np.random.default_rng(0).integers(0, 2, (40, 2, 4))
    made = cross_lag(tokens_of(visits), tokens_of(visits), book, pairs=5)
    assert made.note == "5 of 12 pairs, chosen at random"
    assert made.value == pytest.approx(0.0, abs=1e-6)


def test_ranks_agree_with_scipy():
    # Every value once now and once next, so that the ranks of both visits are those of all.
    book = book_of({"x": Column(type="number", bounds=(0, 50), bins=50, missing=False)})
    now, then = np.arange(50), np.random.default_rng(0).permutation(50)
    real = tokens_of(np.stack([now, now], axis=1)[:, :, None])
    other = tokens_of(np.stack([now, then], axis=1)[:, :, None])
    expected = 1 - spearmanr(now, then).statistic
    assert autocorrelation(real, other, book).value == pytest.approx(expected, abs=1e-5)


def test_atoms_stand_where_their_value_lies_and_missing_has_no_rank():
    # Codes: the atom 5, bins [0, 5) and [5, 10), missing. Shares 1/2, 1/4, 1/4 without missing:
    # middles of ranks: [0, 5) 1/8, the atom 1/2, [5, 10) 7/8.
    book = book_of({"x": Column(type="number", bounds=(0, 10), bins=2, atoms=(5.0,))}, 1)
    real = tokens_of(np.array([0, 0, 1, 2, 3])[:, None, None])
    assert ordered(book) == [0]
    ranks = ranks_of(real, book, 0)
    assert ranks[:3] == pytest.approx([0.0, -3 / 8, 3 / 8])
    assert np.isnan(ranks[3])


def test_a_pair_with_a_missing_value_says_nothing():
    book = book_of({"x": Column(type="boolean")})
    whole = np.array([[0, 0], [1, 1]] * 15)
    gaps = np.concatenate([whole, [[0, 2], [2, 1]] * 15])
    real, other = (tokens_of(each[:, :, None]) for each in (whole, gaps))
    assert autocorrelation(real, other, book).value == pytest.approx(0.0, abs=1e-5)


def test_a_memory_that_does_not_fade_with_time_is_found():
    # A value stays after a short gap and is drawn anew after a long one; the copy keeps it in
    # half of all cases whatever the gap. Noise of a correlation of 1,000 pairs: 0.03.
    book = book_of({"on": FLAG}, gap=True)
    rng = np.random.default_rng(0)
    gap, on, new = rng.integers(0, 2, (3, 2000))
    coin = rng.integers(0, 2, 2000)

    def made(kept: np.ndarray) -> Tokens:
        first, second = np.stack([0 * gap, on], 1), np.stack([9 * gap, np.where(kept, on, new)], 1)
        return tokens_of(np.stack([first, second], axis=1))

    real, copy = made(gap == 0), made(coin == 0)
    assert set(groups_of_gaps(real, book)[[0, 9]]) == {0, 2}
    assert autocorrelation(real, copy, book).value == pytest.approx(0.5, abs=0.2)
    assert autocorrelation(real, made(gap == 0), book).value == pytest.approx(0.0, abs=1e-5)


def test_other_real_patients_remember_alike_and_shuffled_ones_do_not(clinic, clinic_codec):
    # Noise of a difference about 0.02, and 0.6 without any memory.
    real, twin = (clinic_codec.encode(clinic(1500, seed)) for seed in (1, 2))
    shuffled = independent_columns(twin, np.random.default_rng(0))
    same, lost = (autocorrelation(real, each, clinic_codec) for each in (twin, shuffled))
    assert same.value < 0.2
    assert same.high < lost.low


@pytest.mark.parametrize("metric", BOTH)
def test_bad_input_never_crashes(metric, clinic, clinic_codec, make_tokens):
    real = clinic_codec.encode(clinic(200, 1))
    nobody, single = real.take(np.array([], dtype=int)), real.take(np.arange(1))
    for other in (nobody, single):
        made = metric(real, other, clinic_codec)
        assert made.assessable
        assert made.low <= made.value <= made.high
        assert not metric(other, real, clinic_codec).assessable
    blank = make_tokens([[0, 5, 0]] * 30, [[[0, 10, 0]] * 3] * 30, clinic_codec)
    assert not metric(blank, real, clinic_codec).assessable
    static = codec(
        Schema(name="s", tables={"p": Table(shape="static", key="id", columns={"a": FLAG})})
    )
    flat = Tokens(
        static=np.zeros((30, 1), dtype=np.int16),
        visits=np.zeros((30, 0, 0), dtype=np.int16),
        length=np.zeros(30, dtype=np.int16),
    )
    assert not metric(flat, flat, static).assessable


@pytest.mark.parametrize("metric", BOTH)
def test_a_seed_fixes_the_interval(metric, clinic, clinic_codec):
    real, other = (clinic_codec.encode(clinic(120, seed)) for seed in (1, 2))
    assert metric(real, other, clinic_codec, seed=3) == metric(real, other, clinic_codec, seed=3)
