"""The patient bootstrap and what is built on it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from dpsynth.evaluation.estimate import (
    Estimate,
    bootstrap_estimate,
    not_assessable,
    patient_weights,
    subsample,
    weighted_auc,
    wilson,
)


def test_weights_start_with_the_data_and_draw_as_many_patients():
    weights = patient_weights(7, 5, np.random.default_rng(0))
    assert weights.shape == (6, 7)
    assert (weights[0] == 1).all()
    assert (weights.sum(axis=1) == 7).all()


def test_weights_of_nobody_are_empty():
    assert patient_weights(0, 5, np.random.default_rng(0)).shape == (6, 0)


def test_interval_holds_the_value_even_where_resampling_is_biased():
    # Replicates all above the value, as for a distance of 0.
    made = bootstrap_estimate(np.array([0.0, 0.1, 0.2, 0.3]), 3, (0.0, 1.0))
    assert made.low == 0.0
    assert made.value == 0.0
    assert 0.0 < made.high < 0.3


def test_a_value_that_cannot_be_computed_is_not_assessable():
    made = bootstrap_estimate(np.array([np.nan, 0.5]), 3)
    assert not made.assessable
    assert made.note


def test_not_assessable_says_why():
    made = not_assessable("nobody", 0)
    assert math.isnan(made.value)
    assert made.note == "nobody"


def test_interval_covers_a_mean_at_its_nominal_rate():
    # Mean of 60 normal values, 95 % interval, 400 repetitions: coverage above 0.85 but
    # for fewer than 1e-6 of runs (binomial with p = 0.93, what a bootstrap reaches at n = 60).
    rng, hits = np.random.default_rng(5), 0
    for _ in range(400):
        data = rng.normal(0, 1, 60)
        weights = patient_weights(60, 100, rng)
        made = bootstrap_estimate(weights @ data / 60, 60)
        hits += made.low <= 0 <= made.high
    assert hits / 400 > 0.85


def test_wilson_matches_the_worked_case():
    # 2 of 10: centre (0.2 + 1.9207/10) / 1.38415 = 0.28326, half width 0.22658.
    made = wilson(2, 10)
    assert made == Estimate(
        0.2, pytest.approx(0.05668, abs=1e-4), pytest.approx(0.50984, abs=1e-4), 10
    )
    assert not wilson(0, 0).assessable


def test_subsample_keeps_the_cap_and_repeats_nobody():
    kept = subsample(100, 10, np.random.default_rng(0))
    assert len(set(kept.tolist())) == 10
    assert subsample(5, 10, np.random.default_rng(0)).tolist() == [0, 1, 2, 3, 4]


def test_auc_of_four_rows():
    # Pairs (positive, negative): (2,1) won, (2,2) tied, (3,1) won, (3,2) won: 3.5 of 4.
    y = np.array([False, False, True, True])
    score = np.array([1.0, 2.0, 2.0, 3.0])
    weights = np.array([[1, 1, 1, 1], [1, 1, 1, 0], [0, 0, 1, 1]], dtype=np.float32)
    made = weighted_auc(y, score, weights)
    assert made[0] == pytest.approx(3.5 / 4)
    assert made[1] == pytest.approx(1.5 / 2)
    assert math.isnan(made[2])


def test_auc_with_weights_equals_sklearn():
    rng = np.random.default_rng(1)
    y, score = rng.random(80) < 0.3, rng.integers(0, 9, 80).astype(float)
    weights = patient_weights(80, 3, rng)
    expected = [roc_auc_score(y, score, sample_weight=w) for w in weights]
    np.testing.assert_allclose(weighted_auc(y, score, weights), expected)
