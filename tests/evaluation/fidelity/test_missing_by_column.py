"""Missing values by column."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.data.codec import Tokens
from dpsynth.evaluation.fidelity.missing_columns import missing_tv

GONE = 10  # the code of a missing age or pressure; no other column of the clinic may be missing


def test_two_patients_by_hand(clinic_codec, make_tokens):
    # Age: 1 of 2 missing against none: 1/2. Pressure, 1/L each: (1/2 + 0) / 2 against
    # (0 + 1) / 2: 1/4. Two columns may be missing.
    real = make_tokens(
        [[0, GONE, 0], [0, 5, 0]], [[[0, 3, 0], [1, GONE, 0]], [[0, 3, 0]]], clinic_codec
    )
    other = make_tokens(
        [[0, 5, 0], [0, 5, 0]], [[[0, 3, 0], [1, 3, 0]], [[0, GONE, 0]]], clinic_codec
    )
    made = missing_tv(real, other, clinic_codec)
    assert made.value == pytest.approx((1 / 2 + 1 / 4) / 2)
    assert made.low <= made.value <= made.high
    assert missing_tv(real, real, clinic_codec).value == 0.0


def patients(rng: np.random.Generator, ages: float, pressures: float) -> Tokens:
    """1,000 patients of two visits with those shares missing."""
    static = np.zeros((1000, 3), dtype=np.int16)
    static[:, 1] = np.where(rng.random(1000) < ages, GONE, 5)
    visits = np.full((1000, 4, 3), -1, dtype=np.int16)
    visits[:, :2] = 0
    visits[:, :2, 1] = np.where(rng.random((1000, 2)) < pressures, GONE, 3)
    return Tokens(static=static, visits=visits, length=np.full(1000, 2, dtype=np.int16))


def test_a_column_that_is_too_full_is_found(clinic_codec):
    # A third of ages missing, in the copy none: 1/6 as mean of two columns. Each share has sd
    # 0.015, so that 0.06 is over 5 of the mean of two differences.
    rng = np.random.default_rng(0)
    real, twin = patients(rng, 1 / 3, 0.1), patients(rng, 1 / 3, 0.1)
    full = patients(rng, 0.0, 0.1)
    same, moved = (missing_tv(real, each, clinic_codec) for each in (twin, full))
    assert same.value < 0.06
    assert moved.low > 0.1
    assert missing_tv(real, full, clinic_codec) == moved


def test_bad_input_is_said(clinic, clinic_codec, grid_codec):
    whole = clinic_codec.encode(clinic(30, 1))
    real = patients(np.random.default_rng(0), 0.5, 0.5)
    none = real.take(np.array([], dtype=int))
    assert not missing_tv(whole, real, clinic_codec).assessable
    assert not missing_tv(none, real, clinic_codec).assessable
    made = missing_tv(real, none, clinic_codec)
    assert (made.value, made.note) == (1.0, "no synthetic patients")
    still = Tokens(
        static=np.zeros((5, 1), dtype=np.int16),
        visits=np.zeros((5, 3, 1), dtype=np.int16),
        length=np.full(5, 3, dtype=np.int16),
    )
    assert not missing_tv(still, still, grid_codec).assessable


def test_windows_of_a_grid_are_columns_of_their_own(grid_codec):
    # "on" missing (code 2) in the first of three windows only, in the copy in the last only:
    # (1 + 0 + 1) / 3, though the shares pooled over windows are equal.
    from dataclasses import replace

    on = grid_codec.visit[0]
    book = replace(
        grid_codec, visit=(replace(on, column=on.column.model_copy(update={"missing": True})),)
    )
    first, last = np.zeros((2, 4, 3, 1), dtype=np.int16)
    first[:, 0], last[:, 2] = 2, 2
    some = [
        Tokens(
            static=np.zeros((4, 1), dtype=np.int16),
            visits=each,
            length=np.full(4, 3, dtype=np.int16),
        )
        for each in (first, last)
    ]
    assert missing_tv(*some, book).value == pytest.approx(2 / 3)
