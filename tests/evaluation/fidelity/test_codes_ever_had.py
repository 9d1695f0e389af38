"""Who ever has a code, and who has two."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.data.codec import Codec, Tokens, codec
from dpsynth.evaluation.controls import independent_columns, schema_guess
from dpsynth.evaluation.fidelity.codes import co_occurrence, frequent, prevalence
from dpsynth.schema import Clock, Column, Schema, Table

BOTH = [prevalence, co_occurrence]


@pytest.fixture(scope="module")
def ward() -> Codec:
    names = tuple(f"d{i}" for i in range(21))
    columns = {
        "diagnosis": Column(type="category", categories=names),
        "ward": Column(type="category", categories=("a", "b")),
    }
    table = Table(shape="visits", key="id", time=Clock(column="n", kind="order"), columns=columns)
    return codec(Schema(name="w", max_visits=3, tables={"v": table}))


def patients(*codes: tuple[int, ...]) -> Tokens:
    """Patients with those diagnoses, one a visit."""
    visits = np.full((len(codes), 3, 2), -1, dtype=np.int16)
    for patient, each in enumerate(codes):
        for turn, code in enumerate(each):
            visits[patient, turn] = code, 0
    length = np.array([len(each) for each in codes], dtype=np.int16)
    return Tokens(static=np.zeros((len(codes), 0), dtype=np.int16), visits=visits, length=length)


def test_forty_patients_by_hand(ward):
    # Code 0 in 20 of 40 against 10, code 1 in all 40 against 30; code 2 in 10 real patients is
    # too rare: (10/40 + 10/40) / 2. Both codes in 20 of 40 against 5: 15/40.
    real = patients(*[(0, 1, 0)] * 20, *[(1, 1)] * 10, *[(1, 2)] * 10)
    other = patients(*[(1, 0)] * 5, *[(0,)] * 5, *[(1,)] * 25, *[()] * 5)
    assert frequent(real, ward) == [(0, 1), (0, 0)]
    made = prevalence(real, other, ward)
    assert made.value == pytest.approx(0.25, abs=1e-6)
    assert made.low <= made.value <= made.high
    assert co_occurrence(real, other, ward).value == pytest.approx(15 / 40, abs=1e-6)


def test_missing_is_no_code_and_few_categories_are_no_list(ward, clinic, clinic_codec):
    real = patients(*[(21, 1)] * 30)
    assert frequent(real, ward) == [(0, 1)]
    assert prevalence(real, real, ward).value == 0.0
    assert not co_occurrence(real, real, ward).assessable
    tokens = clinic_codec.encode(clinic(50, 1))
    assert not prevalence(tokens, tokens, clinic_codec).assessable


def drawn(n: int, seed: int) -> Tokens:
    """Gout (0) goes with diabetes (1), everything else by chance."""
    rng = np.random.default_rng(seed)
    gout = rng.random(n) < 0.3
    rest = rng.integers(2, 21, (n, 3))
    rest[gout, 0], rest[gout, 1] = 0, 1
    return patients(*map(tuple, rest.tolist()))


def test_codes_that_go_together_are_found_apart(ward):
    # 30 % of patients have the pair, 9 % if shuffled: 0.2 over all pairs of 21 codes, and the
    # noise of such a mean is below 0.0005.
    real, twin = drawn(1500, 1), drawn(1500, 2)
    shuffled = independent_columns(twin, np.random.default_rng(0))
    same, lost = (co_occurrence(real, each, ward) for each in (twin, shuffled))
    assert same.high < lost.low
    guess = schema_guess(ward, 1500, grid=False, rng=np.random.default_rng(0))
    same, lost = (prevalence(real, each, ward) for each in (twin, guess))
    assert same.high < lost.low


@pytest.mark.parametrize("metric", BOTH)
def test_bad_input_never_crashes(metric, ward):
    real = drawn(100, 1)
    nobody, single = real.take(np.array([], dtype=int)), real.take(np.arange(1))
    assert not metric(real, nobody, ward).assessable
    assert not metric(nobody, real, ward).assessable
    assert 0 <= metric(real, single, ward).value <= 1
    assert not metric(single, real, ward).assessable


@pytest.mark.parametrize("metric", BOTH)
def test_a_seed_fixes_the_interval(metric, ward):
    assert metric(drawn(60, 1), drawn(60, 2), ward) == metric(drawn(60, 1), drawn(60, 2), ward)
