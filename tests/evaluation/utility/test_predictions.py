"""Precision, calibration and decisions on four patients."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss

from dpsynth.evaluation.utility import METRICS
from dpsynth.evaluation.utility.calibration import brier
from dpsynth.evaluation.utility.decisions import balanced_accuracy
from dpsynth.evaluation.utility.precision import auprc
from dpsynth.evaluation.utility.predictions import Predicted


def four(score: list[float], y: list[bool], threshold: float = 0.5) -> Predicted:
    return Predicted(
        y=np.array(y),
        score=np.array(score),
        patient=np.arange(len(y)),
        patients=len(y),
        threshold=threshold,
    )


CASE = four([0.9, 0.8, 0.4, 0.1], [True, False, True, False])


def test_precision_by_hand():
    # Cases are found at ranks 1 and 3 with precision 1 and 2/3: mean 5/6.
    assert auprc(CASE).value == pytest.approx(5 / 6)


def test_brier_by_hand():
    # (.1^2 + .8^2 + .6^2 + .1^2) / 4 = 1.02 / 4.
    assert brier(CASE).value == pytest.approx(0.255)


def test_decisions_by_hand():
    # Called: first and second: one of two cases, one of two non-cases right: 1/2. At the
    # threshold .35 the third is called too: both cases, one non-case: 3/4.
    assert balanced_accuracy(CASE).value == pytest.approx(0.5)
    lower = four([0.9, 0.8, 0.4, 0.1], [True, False, True, False], threshold=0.35)
    assert balanced_accuracy(lower).value == pytest.approx(0.75)


def test_ties_and_oracles():
    rng = np.random.default_rng(0)
    y, score = rng.random(200) < 0.3, rng.integers(0, 8, 200) / 8
    made = four(score.tolist(), y.tolist())
    assert auprc(made).value == pytest.approx(average_precision_score(y, score))
    assert brier(made).value == pytest.approx(brier_score_loss(y, score), rel=1e-5)


@pytest.mark.parametrize("name", METRICS)
def test_every_measure_survives_no_patients_and_one_class(name):
    measure = METRICS[name].measure
    assert not measure(four([], [])).assessable
    made = measure(four([0.2, 0.3], [False, False]))
    assert made.assessable == (name == "tstr_brier")


@pytest.mark.parametrize("name", METRICS)
def test_intervals_hold_their_value(name):
    made = METRICS[name].measure(CASE)
    assert 0 <= made.low <= made.value <= made.high <= 1
