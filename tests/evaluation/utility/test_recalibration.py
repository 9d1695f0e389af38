"""Slope and intercept of predicted chances."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit

from dpsynth.evaluation.utility.predictions import Predicted
from dpsynth.evaluation.utility.recalibration import (
    calibration_intercept,
    calibration_slope,
    recalibrated,
)


def predicted(score: np.ndarray, y: np.ndarray) -> Predicted:
    n = len(y)
    return Predicted(y=y, score=score, patient=np.arange(n), patients=n, threshold=0.5)


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    """Chances, and outcomes that follow them."""
    rng = np.random.default_rng(0)
    chance = expit(rng.normal(-1, 1.5, 4000))
    return chance, rng.random(4000) < chance


def test_two_groups_by_hand():
    # Chances .2 and .8; of five patients each, 2 and 3 are cases. Two groups fit exactly:
    # slope = (logit .6 - logit .4) / (logit .8 - logit .2) = ln 1.5 / ln 4. On average 5 of
    # 10 are cases and .5 was said: nothing to be moved.
    y = np.array([1, 1, 0, 0, 0, 1, 1, 1, 0, 0], dtype=bool)
    made = predicted(np.repeat([0.2, 0.8], 5), y)
    assert calibration_slope(made).value == pytest.approx(math.log(1.5) / math.log(4))
    assert calibration_intercept(made).value == pytest.approx(0.0, abs=1e-9)


def test_odds_said_at_half_must_be_doubled():
    # .2 was said (odds 1 to 4) of 3 in 9 (odds 1 to 2): ln 2.
    y = np.arange(9) < 3
    assert calibration_intercept(predicted(np.full(9, 0.2), y)).value == pytest.approx(math.log(2))


def test_true_chances_are_called_right(drawn):
    chance, y = drawn
    # The slope's standard error is 0.035 here, the intercept's 0.043: five of them.
    slope, intercept = calibration_slope(predicted(chance, y)), calibration_intercept(
        predicted(chance, y)
    )  # fmt: skip
    assert abs(slope.value - 1) < 0.18
    assert abs(intercept.value) < 0.22
    assert slope.low < slope.value < slope.high


def test_overconfident_and_shifted_chances_are_found(drawn):
    chance, y = drawn
    doubled = calibration_slope(predicted(expit(2 * logit(chance)), y))
    assert doubled.value == pytest.approx(calibration_slope(predicted(chance, y)).value / 2)
    assert doubled.high < 0.7
    raised = calibration_intercept(predicted(expit(logit(chance) + 1), y))
    assert raised.high < -0.7


def test_statsmodels_says_the_same_for_every_replicate(drawn):
    chance, y = (each[:300] for each in drawn)
    rng = np.random.default_rng(1)
    weights = np.stack([np.ones(300), np.bincount(rng.integers(0, 300, 300), minlength=300)])
    made = recalibrated(y, logit(chance), weights)
    for row, weight in zip(made, weights, strict=True):
        design = sm.add_constant(logit(chance))
        model = sm.GLM(y.astype(float), design, sm.families.Binomial(), freq_weights=weight)
        np.testing.assert_allclose(row, model.fit().params, rtol=1e-5)


def test_what_has_no_slope_is_not_assessable():
    y = np.arange(20) < 8
    for score in (np.full(20, 0.3), np.where(y, 0.9, 0.1), np.where(y, 1.0, 0.0)):
        made = calibration_slope(predicted(score, y))
        assert not made.assessable
        assert made.note
    for bad in (np.zeros(20, bool), np.ones(20, bool), np.zeros(0, bool)):
        for measure in (calibration_slope, calibration_intercept):
            assert not measure(predicted(np.linspace(0.1, 0.9, len(bad)), bad)).assessable


def test_a_seed_fixes_the_interval(drawn):
    made = predicted(*(each[:200] for each in drawn))
    assert calibration_slope(made, seed=3) == calibration_slope(made, seed=3)
