"""Tokens to tables of text and back, by hand and for every shape."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.data.codec import PAD, Codec, Tokens
from dpsynth.evaluation.controls import schema_guess
from dpsynth.evaluation.references.frames import (
    flat,
    sequences,
    unflat,
    unsequenced,
    usual_codes,
)


def books(clinic_codec: Codec, kind: str) -> Codec:
    static, visit = clinic_codec.static, clinic_codec.visit
    return {
        "visits": clinic_codec,
        "grid": Codec(static=static, visit=visit, max_visits=4, regular=True),
        "static only": Codec(static=static, visit=(), max_visits=0),
        "visits only": Codec(static=(), visit=visit, max_visits=4),
    }[kind]


def same(one: Tokens, other: Tokens) -> None:
    for part, codes in one.arrays.items():
        np.testing.assert_array_equal(codes, other.arrays[part])
        assert other.arrays[part].dtype == np.int16


@pytest.mark.parametrize("kind", ["visits", "grid", "static only", "visits only"])
def test_flat_records_come_back(clinic_codec, kind):
    codec = books(clinic_codec, kind)
    tokens = schema_guess(codec, 30, codec.regular, np.random.default_rng(0))
    if kind.startswith("visits"):
        tokens.length[:5] = 0
        tokens.visits[:5] = PAD
    frame = flat(tokens, codec)
    assert frame.shape == (
        30,
        len(codec.static) + (kind.startswith("visits")) + codec.max_visits * len(codec.visit),
    )
    same(tokens, unflat(frame, codec, usual_codes(tokens, codec)))


@pytest.mark.parametrize("kind", ["visits", "grid", "visits only"])
def test_sequences_come_back(clinic_codec, kind):
    codec = books(clinic_codec, kind)
    tokens = schema_guess(codec, 30, codec.regular, np.random.default_rng(0))
    frame = sequences(tokens, codec)
    assert len(frame) == tokens.length.sum()
    same(tokens, unsequenced(frame, codec))


def test_the_number_of_visits_rules_over_what_cells_say(clinic_codec):
    # Two visits: the first lacks its therapy (the usual, 2), the second its pressure (as before).
    # The third is dropped, for all that its cells say.
    codec = Codec(static=clinic_codec.static[:1], visit=clinic_codec.visit[1:], max_visits=3)
    row = Tokens(
        static=np.array([[1]], dtype=np.int16),
        visits=np.array([[[4, PAD], [PAD, 1], [3, 0]]], dtype=np.int16),
        length=np.array([2], dtype=np.int16),
    )
    made = unflat(flat(row, codec), codec, np.array([0, 2]))
    assert made.visits.tolist() == [[[4, 2], [4, 1], [PAD, PAD]]]
    assert (made.static.tolist(), made.length.tolist()) == ([[1]], [2])


def test_the_usual_code_is_the_most_frequent_over_all_visits(make_tokens, clinic_codec):
    codec = Codec(static=(), visit=clinic_codec.visit[1:], max_visits=3)
    tokens = make_tokens([[], []], [[[4, 1], [4, 2]], [[0, 2]]], codec)
    assert usual_codes(tokens, codec).tolist() == [4, 2]


def test_a_sequence_that_runs_on_is_cut(clinic_codec, make_tokens):
    codec = Codec(static=(), visit=clinic_codec.visit[1:], max_visits=3)
    longer = Codec(static=(), visit=clinic_codec.visit[1:], max_visits=5)
    tokens = make_tokens([[], []], [[[turn, 1] for turn in range(5)], [[9, 0]]], longer)
    made = unsequenced(sequences(tokens, longer), codec)
    assert made.length.tolist() == [3, 1]
    assert made.visits[0, :, 0].tolist() == [0, 1, 2]
