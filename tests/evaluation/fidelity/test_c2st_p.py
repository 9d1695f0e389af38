"""The p-value of the classifier two-sample test."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from dpsynth.evaluation.controls import independent_columns
from dpsynth.evaluation.fidelity.p_value import FEWEST, c2st_p, chance


def test_orders_of_four_labels_by_hand():
    # Of the 6 orders of two of each kind one ranks both positives highest, two give 3 of 4 pairs.
    score = np.array([1.0, 2.0, 3.0, 4.0])
    for y, p in (([0, 0, 1, 1], 1 / 6), ([0, 1, 0, 1], 2 / 6), ([1, 1, 0, 0], 1.0)):
        assert chance(np.array(y, dtype=bool), score) == pytest.approx(p)
    assert chance(np.array([True, False]), np.array([0.5, 0.5])) == 1.0


def test_it_is_the_share_of_shuffled_labels_ties_or_not():
    # 4,000 shuffles: a share near 0.2 has sd 0.006, and 0.04 is over 5 of them with what the
    # normal law is off at 40 patients.
    rng = np.random.default_rng(0)
    y = np.repeat([False, True], 20)
    for score in (rng.normal(0.25 * y), np.round(rng.normal(0.25 * y))):
        ranks = score.argsort().argsort() if len(set(score)) == 40 else score
        wins = (ranks[:, None] > ranks) + 0.5 * (ranks[:, None] == ranks)
        drawn = [rng.permutation(y) for _ in range(4000)]
        found = [wins[np.ix_(each, ~each)].sum() for each in (y, *drawn)]
        assert abs(chance(y, score) - np.mean(np.array(found[1:]) >= found[0])) < 0.04


def test_false_alarms_are_as_rare_as_said(clinic, clinic_codec):
    # 120 times two samples of one clinic: more alarms than `most` by chance below 1e-6.
    pool, rng, times = clinic_codec.encode(clinic(12_000, 1)), np.random.default_rng(0), 120
    most = binom.isf(1e-6, times, 0.05)
    alarms = 0
    for time in range(times):
        drawn = rng.choice(12_000, 2 * 60, replace=False)
        pair = (pool.take(each) for each in np.split(drawn, 2))
        alarms += c2st_p(*pair, clinic_codec, seed=time).value <= 0.05
    assert alarms <= most


def test_shuffled_columns_are_no_chance(clinic, clinic_codec):
    a, b = (clinic_codec.encode(clinic(600, seed)) for seed in (1, 2))
    shuffled = independent_columns(b, np.random.default_rng(0))
    made = c2st_p(a, shuffled, clinic_codec)
    assert made.value < 1e-6
    assert (made.low, made.high, made.n) == (made.value, made.value, 600)
    assert c2st_p(a, shuffled, clinic_codec) == made


def test_bad_input_is_said(clinic, clinic_codec):
    a = clinic_codec.encode(clinic(100, 1))
    for count in (0, 1, FEWEST - 1):
        assert not c2st_p(a, a.take(np.arange(count)), clinic_codec).assessable
    # Nothing to learn from: everyone is the same.
    same = a.take(np.zeros(60, dtype=int))
    assert c2st_p(same, same, clinic_codec).value == 1.0
