"""Train on synthetic, test on real."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.data.records import Records
from dpsynth.evaluation.controls import independent_columns
from dpsynth.evaluation.utility.discrimination import auc, auc_gain, trtr_auc, tstr_auc
from dpsynth.evaluation.utility.predictions import Predicted, predict, uninformed
from dpsynth.evaluation.utility.task import task
from dpsynth.schema import Label

DIED = Label(column="died", positive="true")


def test_auc_of_four_patients():
    # Cases .9 and .4, others .5 and .1: three of four pairs in order.
    made = auc(
        Predicted(
            y=np.array([True, True, False, False]),
            score=np.array([0.9, 0.4, 0.5, 0.1]),
            patient=np.arange(4),
            patients=4,
            threshold=0.5,
        )
    )
    assert made.value == pytest.approx(0.75)
    assert made.n == 4
    assert 0 <= made.low <= 0.75 <= made.high <= 1


def test_the_gain_of_one_model_over_another_is_taken_on_the_same_resamples():
    def scored(score: np.ndarray, y: np.ndarray) -> Predicted:
        return Predicted(y=y, score=score, patient=np.arange(40), patients=40, threshold=0.5)

    y = np.arange(40) % 2 == 0
    # AUC 1 against 0.5, in every resample that has both classes.
    found = auc_gain(scored(y.astype(float), y), scored(np.full(40, 0.5), y))
    assert (found.value, found.low, found.high, found.n) == (0.5, 0.5, 0.5, 40)
    noisy = scored(y + np.random.default_rng(0).normal(0, 1, 40), y)
    same = auc_gain(noisy, noisy)  # resamples of its own for each model would leave an interval
    assert (same.value, same.low, same.high) == (0, 0, 0)
    assert not auc_gain(scored(y.astype(float), y | True), noisy).assessable


def test_a_signal_is_found_and_the_control_finds_none(clinic, clinic_codec):
    train, holdout = clinic(800, 1), clinic(800, 2)
    real = trtr_auc(train, holdout, clinic_codec, DIED)
    shuffled = independent_columns(clinic_codec.encode(train), np.random.default_rng(0))
    control = tstr_auc(shuffled, holdout, clinic_codec, DIED)
    assert real.value > 0.75
    # sd of the AUC of noise is about 0.021 here, and 0.6 is almost 5 of them away.
    assert abs(control.value - 0.5) < 0.1
    assert control.high < real.low


def test_knowing_nothing_is_chance_exactly(clinic, clinic_codec):
    train, holdout = (task(clinic(100, s), clinic_codec, DIED) for s in (1, 2))
    made = auc(uninformed(train, holdout))
    assert (made.low, made.value, made.high) == (0.5, 0.5, 0.5)


def test_visits_may_be_samples(clinic, clinic_codec):
    label = Label(column="therapy", positive="insulin", given="same")
    train, holdout = (task(clinic(200, s), clinic_codec, label) for s in (1, 2))
    made = auc(predict(train, holdout))
    assert made.value > 0.95  # therapy follows the visit's pressure
    assert made.n == 200


def test_one_class_in_the_copy_is_chance_with_a_note(clinic, clinic_codec):
    train, holdout = clinic(60, 1), clinic(60, 2)
    same = Records(train.keys, train.static.assign(died="false"), train.visits)
    made = tstr_auc(same, holdout, clinic_codec, DIED)
    assert made.value == 0.5
    assert "not assessable" in made.note


@pytest.mark.parametrize("patients", [0, 1])
def test_hardly_any_synthetic_patients_never_crash(clinic, clinic_codec, patients):
    train, holdout = clinic(60, 1), clinic(60, 2)
    made = tstr_auc(train.take(np.arange(patients)), holdout, clinic_codec, DIED)
    assert made.value == 0.5
    assert "not assessable" in made.note


def test_one_class_in_the_holdout_is_not_assessable(clinic, clinic_codec):
    train, holdout = clinic(60, 1), clinic(60, 2)
    same = Records(holdout.keys, holdout.static.assign(died="false"), holdout.visits)
    assert not tstr_auc(train, same, clinic_codec, DIED).assessable


def test_visits_of_one_patient_are_drawn_together():
    # Ten copies of each of 40 patients' samples: the interval must not shrink.
    rng = np.random.default_rng(0)
    y, score = rng.random(40) < 0.5, rng.random(40)

    def made(times: int) -> float:
        each = np.repeat(np.arange(40), times)
        drawn = auc(
            Predicted(y=y[each], score=score[each], patient=each, patients=40, threshold=0.5)
        )
        return drawn.high - drawn.low

    assert made(10) == pytest.approx(made(1))


def test_a_seed_fixes_the_value(clinic, clinic_codec):
    train, holdout = clinic(100, 1), clinic(100, 2)
    first, again = (tstr_auc(train, holdout, clinic_codec, DIED, seed=7) for _ in range(2))
    assert first == again
