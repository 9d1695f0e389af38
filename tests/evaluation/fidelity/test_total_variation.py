"""tv1, tv2 and transition_tv on tables worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.data.codec import Codec, Tokens, codec
from dpsynth.evaluation.controls import independent_columns, schema_guess
from dpsynth.evaluation.fidelity.one_way import tv1
from dpsynth.evaluation.fidelity.tables import is_grid
from dpsynth.evaluation.fidelity.transitions import transition_tv
from dpsynth.evaluation.fidelity.two_way import tv2

FAMILY = {"tv1": tv1, "tv2": tv2, "transition_tv": transition_tv}


@pytest.mark.parametrize("name", FAMILY)
def test_identical_data_have_distance_zero(name, clinic, clinic_codec):
    tokens = clinic_codec.encode(clinic(50, 1))
    made = FAMILY[name](tokens, tokens, clinic_codec)
    assert made.value == pytest.approx(0.0, abs=1e-6)
    assert made.low <= made.value <= made.high
    assert made.n == 50


@pytest.mark.parametrize("name", FAMILY)
def test_order_of_patients_does_not_matter(name, clinic, clinic_codec):
    tokens = clinic_codec.encode(clinic(50, 1))
    turned = tokens.take(np.arange(50)[::-1])
    assert FAMILY[name](tokens, turned, clinic_codec).value == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("name", FAMILY)
def test_no_synthetic_patients_is_the_greatest_distance(name, clinic, clinic_codec):
    tokens = clinic_codec.encode(clinic(20, 1))
    made = FAMILY[name](tokens, tokens.take(np.array([], dtype=int)), clinic_codec)
    assert made.value == 1.0
    assert "no synthetic patients" in made.note


@pytest.mark.parametrize("name", FAMILY)
def test_one_patient_is_enough(name, clinic, clinic_codec):
    records = clinic(40, 1)
    tokens = clinic_codec.encode(records)
    one = tokens.take(np.flatnonzero(tokens.length == 4)[:1])
    made = FAMILY[name](tokens, one, clinic_codec)
    assert 0 < made.value <= 1
    assert np.isfinite([made.low, made.high]).all()


def test_four_patients_on_a_grid(grid_codec, make_tokens):
    # sex: f f m m against f m m m: 1/4. "on" at windows 0, 1, 2:
    # real 0 0 1 1 | 0 1 1 1 | 0 0 0 0, other 0 0 1 1 | 1 1 1 1 | 1 1 0 0: 0, 1/4, 1/2.
    real = make_tokens(
        [[0], [0], [1], [1]],
        [[[0], [0], [0]], [[0], [1], [0]], [[1], [1], [0]], [[1], [1], [0]]],
        grid_codec,
    )
    other = make_tokens(
        [[0], [1], [1], [1]],
        [[[0], [1], [1]], [[0], [1], [1]], [[1], [1], [0]], [[1], [1], [0]]],
        grid_codec,
    )
    assert is_grid(real, grid_codec)
    assert tv1(real, other, grid_codec).value == pytest.approx((0.25 + 0 + 0.25 + 0.5) / 4)
    # Transitions pooled, each of 8 weighs 1/8. real: 00 00 | 01 10 | 11 10 | 11 10:
    # 00: 2/8, 01: 1/8, 10: 3/8, 11: 2/8. other: 01 11 | 01 11 | 11 10 | 11 10:
    # 01: 2/8, 11: 4/8, 10: 2/8. Distance (2 + 1 + 1 + 2) / 8 / 2 = 3/8.
    assert transition_tv(real, other, grid_codec).value == pytest.approx(3 / 8)


def test_pairs_see_what_margins_do_not(grid_codec, make_tokens):
    # Same margins; sex and window 0 agree in one set and are unrelated in the other:
    # (f,0) (m,1) each 1/2 against four cells of 1/4: 1/2. Other windows are constant 0, so
    # their pairs with sex and window 0 are margins: 0. Six pairs: 1/2 / 6.
    still = [[0], [0]]
    real = make_tokens(
        [[0], [0], [1], [1]],
        [[[0], *still], [[0], *still], [[1], *still], [[1], *still]],
        grid_codec,
    )
    other = make_tokens(
        [[0], [0], [1], [1]],
        [[[0], *still], [[1], *still], [[0], *still], [[1], *still]],
        grid_codec,
    )
    assert tv1(real, other, grid_codec).value == 0.0
    assert tv2(real, other, grid_codec).value == pytest.approx(0.5 / 6)


def test_each_patient_weighs_the_same_however_many_visits(clinic_codec, make_tokens):
    # therapy: patient 0 has 3 visits of code 0, patient 1 one visit of code 1: 1/2 each,
    # and so is the other data set. By visits it would be 3/4 against 1/2.
    real = make_tokens(
        [[0, 5, 0], [0, 5, 0]], [[[0, 3, 0], [1, 3, 0], [1, 3, 0]], [[0, 3, 1]]], clinic_codec
    )
    other = make_tokens([[0, 5, 0], [0, 5, 0]], [[[0, 3, 0]], [[0, 3, 1]]], clinic_codec)
    assert not is_grid(real, clinic_codec)
    # Every other column is equal but the gaps, which `other` lacks: 1 of 6 columns at 1.
    assert tv1(real, other, clinic_codec).value == pytest.approx(1 / 6)


def test_the_gap_before_a_first_visit_does_not_exist(clinic_codec, make_tokens):
    # First-visit gap codes differ and must not count.
    real = make_tokens([[0, 5, 0]], [[[0, 3, 0], [1, 3, 0]]], clinic_codec)
    other = make_tokens([[0, 5, 0]], [[[7, 3, 0], [1, 3, 0]]], clinic_codec)
    assert tv1(real, other, clinic_codec).value == 0.0
    assert tv2(real, other, clinic_codec).value == 0.0
    assert transition_tv(real, other, clinic_codec).value == 0.0


def test_a_lost_window_of_a_grid_counts(grid_codec, make_tokens):
    whole = make_tokens([[0]] * 4, [[[0], [0], [0]]] * 4, grid_codec)
    cut = make_tokens([[0]] * 4, [[[0], [0]]] * 4, grid_codec)
    assert tv1(whole, cut, grid_codec).value == pytest.approx(1 / 4)


def test_nobody_with_two_visits_has_no_transitions(clinic_codec, make_tokens):
    real = make_tokens([[0, 5, 0]], [[[0, 3, 0]]], clinic_codec)
    assert not transition_tv(real, real, clinic_codec).assessable


def test_static_data_have_no_transitions_but_margins():
    from dpsynth.schema import Column, Schema, Table

    sex = Column(type="category", categories=("f", "m"), missing=False)
    plan = Schema(name="s", tables={"p": Table(shape="static", key="id", columns={"sex": sex})})
    book = codec(plan)
    tokens = Tokens(
        static=np.array([[0], [1]], dtype=np.int16),
        visits=np.zeros((2, 0, 0), dtype=np.int16),
        length=np.zeros(2, dtype=np.int16),
    )
    assert tv1(tokens, tokens, book).value == 0.0
    assert not tv2(tokens, tokens, book).assessable
    assert not transition_tv(tokens, tokens, book).assessable


def test_shuffled_columns_keep_margins_and_lose_relations(clinic, clinic_codec):
    # The control must tell: 1,500 patients, sampling noise about 0.02 a table.
    real, twin = (clinic_codec.encode(clinic(1500, seed)) for seed in (1, 2))
    shuffled = independent_columns(twin, np.random.default_rng(0))
    for metric in (tv2, transition_tv):
        good, bad = metric(real, twin, clinic_codec), metric(real, shuffled, clinic_codec)
        assert bad.low > good.high
    margins = tv1(real, twin, clinic_codec), tv1(real, shuffled, clinic_codec)
    assert abs(margins[0].value - margins[1].value) < 0.02


def test_a_guess_from_the_schema_is_far_from_real(clinic, clinic_codec):
    real = clinic_codec.encode(clinic(500, 1))
    guess = schema_guess(clinic_codec, 500, grid=False, rng=np.random.default_rng(0))
    assert tv1(real, guess, clinic_codec).low > 0.2


def test_bootstrap_agrees_with_drawing_patients_by_hand(clinic, clinic_codec):
    # The sd of the weight-based replicates against explicit resampling, 400 each: the ratio
    # of two such sds has sd 0.05; 0.7 to 1.4 is 6 of them.
    real, other = (clinic_codec.encode(clinic(150, seed)) for seed in (1, 2))
    made = tv1(real, other, clinic_codec, replicates=400)
    rng, drawn = np.random.default_rng(3), []
    for _ in range(400):
        pair = [t.take(rng.integers(0, 150, 150)) for t in (real, other)]
        drawn.append(tv1(*pair, clinic_codec, replicates=0).value)
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert 0.7 < (made.high - made.low) / (high - low) < 1.4


def test_huge_code_books_cost_what_occurs():
    from dpsynth.schema import Column, Schema, Table

    names = tuple(f"c{i}" for i in range(5000))
    columns = {k: Column(type="category", categories=names) for k in ("a", "b")}
    book: Codec = codec(
        Schema(name="h", tables={"p": Table(shape="static", key="id", columns=columns)})
    )
    rng = np.random.default_rng(0)
    tokens = Tokens(
        static=rng.integers(0, 5000, (300, 2)).astype(np.int16),
        visits=np.zeros((300, 0, 0), dtype=np.int16),
        length=np.zeros(300, dtype=np.int16),
    )
    assert tv2(tokens, tokens, book).value == pytest.approx(0.0, abs=1e-6)
