"""tv3 on tables worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.data.codec import Tokens, codec
from dpsynth.evaluation.controls import independent_columns
from dpsynth.evaluation.fidelity import tables
from dpsynth.evaluation.fidelity.three_way import choose_triples, tv3
from dpsynth.evaluation.fidelity.two_way import tv2
from dpsynth.schema import Column, Schema, Table


@pytest.fixture(scope="module")
def book():
    """Three static columns of two codes."""
    columns = {name: Column(type="boolean", missing=False) for name in "abc"}
    table = Table(shape="static", key="id", columns=columns)
    return codec(Schema(name="s", tables={"p": table}))


def static(rows: list[list[int]] | np.ndarray) -> Tokens:
    n = len(rows)
    return Tokens(
        static=np.array(rows, dtype=np.int16).reshape(n, 3),
        visits=np.zeros((n, 0, 0), dtype=np.int16),
        length=np.zeros(n, dtype=np.int16),
    )


def test_triples_see_what_pairs_do_not(book):
    # c = a xor b against c = not (a xor b): every pair has four cells of 1/4 in both, and no
    # triple is in both.
    even = static([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]])
    odd = static([[0, 0, 1], [0, 1, 0], [1, 0, 0], [1, 1, 1]])
    assert tv2(even, odd, book).value == 0.0
    assert tv3(even, odd, book).value == 1.0
    # All eight equally often are half of either: 4 (1/4 - 1/8) / 2 + 4 (1/8) / 2 = 1/2.
    every = static([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)])
    assert tv3(even, every, book).value == pytest.approx(0.5)


def test_a_visit_column_meets_two_static_ones_at_every_visit(clinic_codec, make_tokens):
    # Of the 20 triples of 6 columns only those with "therapy" differ, where the first patient's
    # second visit (half of a patient, of two) is another: 1/4 each. With "(gap)" (4 of the 10,
    # one of them with pressure) only that second visit counts, the other patient having no gap:
    # 1. All columns but therapy are equal, so 10 triples are 0.
    real = make_tokens([[0, 5, 0]] * 2, [[[0, 3, 0], [1, 3, 1]], [[0, 3, 0]]], clinic_codec)
    other = make_tokens([[0, 5, 0]] * 2, [[[0, 3, 0], [1, 3, 2]], [[0, 3, 0]]], clinic_codec)
    assert tv3(real, other, clinic_codec).value == pytest.approx((4 * 1 + 6 / 4) / 20)


def test_equal_data_have_distance_zero_in_any_order(clinic, clinic_codec):
    tokens = clinic_codec.encode(clinic(50, 1))
    made = tv3(tokens, tokens.take(np.arange(50)[::-1]), clinic_codec)
    assert made.value == pytest.approx(0.0, abs=1e-6)
    assert made.low <= made.value <= made.high
    assert made.n == 50


def test_shuffled_columns_are_further_than_other_patients(clinic, clinic_codec):
    # 1,500 patients each: 0.29 against 0.10, whose sd is 0.006 (measured).
    real, twin = (clinic_codec.encode(clinic(1500, seed)) for seed in (1, 2))
    shuffled = independent_columns(twin, np.random.default_rng(0))
    good, bad = (tv3(real, each, clinic_codec) for each in (twin, shuffled))
    assert bad.low > good.high + 0.05
    assert tv3(real, twin, clinic_codec) == good


def test_bad_input_is_said(book, clinic, clinic_codec, grid_codec):
    tokens = clinic_codec.encode(clinic(20, 1))
    made = tv3(tokens, tokens.take(np.array([], dtype=int)), clinic_codec)
    assert (made.value, made.note) == (1.0, "no synthetic patients")
    assert 0 < tv3(tokens, tokens.take(np.array([0])), clinic_codec).value <= 1
    nobody = static([])
    assert not tv3(nobody, nobody, book).assessable
    two = grid_codec.__class__(static=book.static[:2], visit=(), max_visits=0)
    pair = Tokens(
        static=np.zeros((3, 2), dtype=np.int16), visits=np.zeros((3, 0, 0)), length=np.zeros(3)
    )
    assert not tv3(pair, pair, two).assessable


def test_triples_are_all_or_as_many_as_asked_for():
    assert len(choose_triples(5, 100, seed=0)) == 10
    some = choose_triples(1000, 50, seed=0)
    assert len(set(some)) == 50
    assert all(0 <= i < j < k < 1000 for i, j, k in some)
    assert some == choose_triples(1000, 50, seed=0)
    assert choose_triples(2, 50, seed=0) == []


def test_the_note_says_how_many_triples(clinic, clinic_codec):
    tokens = clinic_codec.encode(clinic(20, 1))
    assert tv3(tokens, tokens, clinic_codec, triples=7).note == "7 of 20 triples, chosen at random"
    assert tv3(tokens, tokens, clinic_codec).note == ""


def test_long_tables_in_blocks_are_the_same(clinic, clinic_codec, monkeypatch):
    real, twin = (clinic_codec.encode(clinic(100, seed)) for seed in (1, 2))
    whole = tv3(real, twin, clinic_codec)
    monkeypatch.setattr(tables, "BLOCK", 7)
    parts = tv3(real, twin, clinic_codec)
    assert (parts.value, parts.low, parts.high) == pytest.approx(
        (whole.value, whole.low, whole.high), abs=1e-5
    )
