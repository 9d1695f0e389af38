"""Controls take away what they say, and nothing else."""

from __future__ import annotations

import numpy as np

from dpsynth.data.codec import PAD
from dpsynth.evaluation.controls import independent_columns, schema_guess


def test_shuffling_keeps_margins_and_lengths(clinic, clinic_codec):
    tokens = clinic_codec.encode(clinic(200, 1))
    made = independent_columns(tokens, np.random.default_rng(0))
    np.testing.assert_array_equal(made.length, tokens.length)
    np.testing.assert_array_equal(made.visits == PAD, tokens.visits == PAD)
    for place in range(tokens.static.shape[1]):
        np.testing.assert_array_equal(
            np.sort(made.static[:, place]), np.sort(tokens.static[:, place])
        )
    for turn in range(4):
        np.testing.assert_array_equal(
            np.sort(made.visits[:, turn], axis=0), np.sort(tokens.visits[:, turn], axis=0)
        )
    assert (made.static != tokens.static).any()


def test_shuffling_leaves_the_original_alone(clinic, clinic_codec):
    tokens = clinic_codec.encode(clinic(50, 1))
    before = tokens.visits.copy()
    independent_columns(tokens, np.random.default_rng(0))
    np.testing.assert_array_equal(tokens.visits, before)


def test_a_guess_has_valid_codes_and_no_first_gap(clinic_codec, grid_codec):
    made = schema_guess(clinic_codec, 300, grid=False, rng=np.random.default_rng(0))
    inside = np.arange(4)[None, :] < made.length[:, None]
    assert ((made.visits >= 0).all(axis=2) == inside).all()
    assert (made.visits[:, 0, 0] == 0).all()
    assert made.visits[..., 2].max() == 2
    assert set(made.length.tolist()) == {1, 2, 3, 4}
    grid = schema_guess(grid_codec, 5, grid=True, rng=np.random.default_rng(0))
    assert (grid.length == 3).all()
