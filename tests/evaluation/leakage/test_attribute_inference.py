"""Secrets of trained-on patients are guessed more often only if the copy holds them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from dpsynth.data.codec import Codec
from dpsynth.evaluation.leakage.inference import attribute_inference, guessed, secrets


def test_secrets_are_sensitive_columns_and_the_label(clinic_plan, clinic_codec):
    assert secrets(clinic_plan, clinic_codec) == {"sex": 0, "age": 1, "died": 2}
    assert secrets(clinic_plan.model_copy(update={"label": None}), clinic_codec) == {
        "sex": 0, "age": 1
    }  # fmt: skip


def test_a_guess_is_that_of_the_most_similar(clinic_codec, make_tokens):
    # Of the target's age, 3: two of the copy agree in all else, one of them is 3 and one 4;
    # the third agrees in age only. Sex: by age and death the first alone is nearest, and right.
    target = make_tokens([[0, 3, 0]], [[]], clinic_codec)
    made = make_tokens([[0, 3, 0], [0, 4, 0], [1, 3, 1]], [[], [], []], clinic_codec)
    np.testing.assert_allclose(guessed(target, made, [1, 0], clinic_codec), [[0.5, 1.0]])


def test_a_missing_secret_is_unknown(clinic_codec, make_tokens):
    missing = clinic_codec.static[1].size - 1
    target = make_tokens([[0, missing, 0]], [[]], clinic_codec)
    made = guessed(target, target, [0, 1], clinic_codec)
    assert made[0, 0] == 1
    assert np.isnan(made[0, 1])


def test_excess_over_control_by_hand():
    # 6 of 10 against 2 of 10: (0.6 - 0.2) / (1 - 0.2) = 0.5.
    made = attribute_inference(np.repeat([1.0, 0.0], [6, 4]), np.repeat([1.0, 0.0], [2, 8]))
    assert made.value == pytest.approx(0.5)
    assert made.low < 0.5 < made.high <= 1


@pytest.fixture(scope="module")
def wide_codec(clinic_codec) -> Codec:
    column = clinic_codec.static[0].column.model_copy(update={"sensitive": True, "missing": False})
    field = dataclasses.replace(clinic_codec.static[0], column=column)
    return Codec(static=(field,) * 30, visit=(), max_visits=0)


def test_a_copy_of_a_tenth_gives_secrets_away_and_fresh_patients_do_not(wide, planted, wide_codec):
    # 100 of 1,000 members: excess about 0.1 with an sd of 0.025 at most, and 0 for fresh ones.
    train, outsiders = wide(1000, 1), wide(1000, 2)
    made = [
        attribute_inference(
            *(guessed(each, copy, [7], wide_codec)[:, 0] for each in (train, outsiders))
        )
        for copy in (planted(train, 300, 1000, 3), wide(1000, 4), train)
    ]
    assert made[0].low > 0
    assert abs(made[1].value) < 0.15
    assert made[2].value == 1


def test_chance_raises_no_alarm_more_often_than_stated():
    # 200 resamples; the lower end above 0 in 2.5 %, and more than 21 in fewer than 1e-6 of
    # runs (binomial, with 3 % for a bootstrap's slack).
    rng = np.random.default_rng(3)
    alarms = sum(
        attribute_inference(*(rng.random((2, 150)) < 0.4).astype(float), replicates=100, seed=s).low
        > 0
        for s in range(200)
    )
    assert alarms <= 21


def test_what_cannot_be_guessed_or_always_is_not_assessable(clinic_codec, make_tokens):
    known, unknown = np.array([1.0, 0.0]), np.array([np.nan, np.nan])
    assert not attribute_inference(unknown, known).assessable
    assert not attribute_inference(known, np.array([])).assessable
    assert "always guessed" in attribute_inference(known, np.ones(5)).note
    target = make_tokens([[0, 3, 0]], [[]], clinic_codec)
    nobody = target.take(np.array([], dtype=int))
    assert np.isnan(guessed(target, nobody, [1], clinic_codec)).all()
