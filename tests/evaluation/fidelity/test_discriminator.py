"""The classifier two-sample test."""

from __future__ import annotations

import numpy as np

from dpsynth.evaluation.controls import independent_columns, schema_guess
from dpsynth.evaluation.fidelity.discriminator import c2st_auc


def test_two_samples_of_one_population_are_not_told_apart(clinic, clinic_codec):
    # 600 each: the AUC's sd is 0.017, and 0.09 is over 5 of them: below 1e-6.
    a, b = (clinic_codec.encode(clinic(600, seed)) for seed in (1, 2))
    made = c2st_auc(a, b, clinic_codec)
    assert abs(made.value - 0.5) < 0.09
    assert made.n == 600


def test_a_guess_is_told_apart_and_shuffled_columns_too(clinic, clinic_codec):
    a, b = (clinic_codec.encode(clinic(600, seed)) for seed in (1, 2))
    rng = np.random.default_rng(0)
    guess = schema_guess(clinic_codec, 600, grid=False, rng=rng)
    assert c2st_auc(a, guess, clinic_codec).low > 0.9
    assert c2st_auc(a, independent_columns(b, rng), clinic_codec).low > 0.6


def test_too_few_patients_are_not_assessable(clinic, clinic_codec):
    a = clinic_codec.encode(clinic(50, 1))
    for count in (0, 1, 5):
        assert not c2st_auc(a, a.take(np.arange(count)), clinic_codec).assessable
