"""Distance between curves of survival."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

from dpsynth.data.records import Records
from dpsynth.evaluation.fidelity.survival import area_between, survival_distance
from dpsynth.schema import Survival

DECLARED = Survival(time="followed", event="died")


def followed(time: np.ndarray, died: np.ndarray) -> Records:
    """Patients with those times, and whether they died then; 2 is not known."""
    static = pd.DataFrame(
        {"followed": np.asarray(time, dtype=float), "died": np.array(["false", "true", None])[died]}
    )
    return Records(np.arange(len(static)).astype(str), static, pd.DataFrame())


def drawn(n: int, seed: int, mean: float = 5.0) -> Records:
    """Deaths after a mean time; patients leave after 0 to 10, so that half of the curve is seen."""
    rng = np.random.default_rng(seed)
    death, leave = rng.exponential(mean, n), rng.uniform(0, 10, n)
    return followed(np.minimum(death, leave), (death <= leave).astype(int))


def test_area_between_steps_by_hand():
    # 1 until 1, 1/2 until 3, then 0, against 1 until 2, then 1/2: apart by 1/2 on 1 to 2, and
    # on 3 to 4, where both go on level.
    one = np.array([1.0, 3.0]), np.array([0.5, 0.0])
    other = np.array([2.0]), np.array([0.5])
    assert area_between(one, other, 4.0) == pytest.approx(1.0)
    assert area_between(one, other, 1.5) == pytest.approx(0.25)


def test_distance_by_hand():
    # Deaths at 2 and 4, five each, and at 2 all ten: 1/2 apart from 2 to 4, of a width of 4.
    # With five who leave at 2 and die never, the curve stays at 1/2: the same until 4.
    pytest.importorskip("sksurv")
    half = np.repeat([2.0, 4.0], 5)
    real, other = followed(half, np.ones(10, int)), followed(np.full(10, 2.0), np.ones(10, int))
    made = survival_distance(real, other, DECLARED)
    assert made.value == pytest.approx(0.25)
    assert made.low <= made.value <= made.high
    left = followed(np.full(10, 2.0), np.repeat([1, 0], 5))
    assert survival_distance(real, left, DECLARED).value == pytest.approx(0.0)


def test_patients_without_time_or_event_are_left_out():
    pytest.importorskip("sksurv")
    real = drawn(100, 1)
    time = [*real.static["followed"], *[np.nan] * 20, *[1.0] * 20]
    died = [*(real.static["died"] == "true").astype(int), *[1] * 20, *[2] * 20]
    made = survival_distance(real, followed(np.array(time), np.array(died)), DECLARED)
    assert made.value == pytest.approx(0.0)
    assert made.n == 100


def test_other_hazards_are_found_and_other_patients_are_not():
    # Noise of a curve of 800 patients about 0.02; twice the hazard is about 0.2 apart.
    pytest.importorskip("sksurv")
    real = drawn(800, 1)
    same, worse = (
        survival_distance(real, each, DECLARED) for each in (drawn(800, 2), drawn(800, 3, 2.5))
    )
    assert same.value < 0.1
    assert worse.low > same.high


def test_bad_input_never_crashes():
    pytest.importorskip("sksurv")
    real = drawn(60, 1)
    alive = followed(np.full(60, 3.0), np.zeros(60, int))
    at_once = followed(np.zeros(60), np.ones(60, int))
    unknown = followed(np.full(60, np.nan), np.full(60, 2))
    before = followed(np.full(60, -3.0), np.ones(60, int))
    for other in (unknown, drawn(0, 1), drawn(1, 1)):
        assert not survival_distance(real, other, DECLARED).assessable
        assert not survival_distance(other, real, DECLARED).assessable
    assert not survival_distance(alive, real, DECLARED).assessable
    assert not survival_distance(at_once, real, DECLARED).assessable
    for other in (alive, at_once, before):
        assert 0 < survival_distance(real, other, DECLARED).value <= 1


def test_a_seed_fixes_the_interval():
    pytest.importorskip("sksurv")
    real, other = drawn(60, 1), drawn(60, 2)
    assert survival_distance(real, other, DECLARED, seed=3) == survival_distance(
        real, other, DECLARED, seed=3
    )


def test_without_the_library_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sksurv.nonparametric", None)
    made = survival_distance(drawn(60, 1), drawn(60, 2), DECLARED)
    assert not made.assessable
    assert "pip install 'dpsynth[survival]'" in made.note
