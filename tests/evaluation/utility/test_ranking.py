"""The order of models, and what a wrong pick costs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from dpsynth.evaluation.utility.contest import contest, reached
from dpsynth.evaluation.utility.families import FAMILIES
from dpsynth.evaluation.utility.families.family import Family
from dpsynth.evaluation.utility.ranking import ranking_agreement, regret
from dpsynth.evaluation.utility.task import task
from dpsynth.schema import Label

DIED = Label(column="died", positive="true")


def fixed(*aucs: list[float]) -> np.ndarray:
    """The same AUCs, (models, seeds), in 20 replicates."""
    return np.repeat(np.array(aucs, dtype=float)[None], 21, axis=0)


def test_tau_by_hand():
    # Three pairs of models; one seed turns none round, the other one of three: (1 + 1/3) / 2.
    real = fixed([0.6], [0.7], [0.8])
    copy = fixed([0.5, 0.5], [0.6, 0.7], [0.7, 0.6])
    made = ranking_agreement(real, copy, 9)
    assert made.value == pytest.approx(2 / 3)
    assert made.low < made.value < made.high  # of two seeds, either may be drawn twice
    assert ranking_agreement(real, real, 9).value == 1
    assert ranking_agreement(real, fixed([0.8], [0.7], [0.6]), 9).value == -1


def test_real_patients_among_themselves_never_meet_their_own_resample():
    # Seeds turn the two models round: -1, where 1 would be seen with oneself.
    assert ranking_agreement(fixed([0.6, 0.7], [0.7, 0.6]), None, 9).value == -1


def test_regret_by_hand():
    # On the copy the second looks best; on real data it has .7 and the best .8. A random pick
    # of .6, .7 and .8 loses .1 too.
    real, seen = fixed([0.6], [0.7], [0.8]), np.array([[0.5], [0.9], [0.8]])
    assert regret(real, seen, 9).value == pytest.approx(0.1)
    assert regret(real, real[0], 9).value == 0
    assert regret(real, None, 9).value == pytest.approx(0.1)


def test_what_can_not_be_ranked_is_said():
    one, nan = fixed([0.6, 0.7]), fixed([np.nan, 0.7], [0.5, 0.6])
    good = fixed([0.6, 0.6], [0.7, 0.7])
    assert "two models" in ranking_agreement(one, one, 9).note
    assert "two models" in regret(one, None, 9).note
    assert "two seeds" in ranking_agreement(good[..., :1], None, 9).note
    assert "one class" in ranking_agreement(nan, good, 9).note
    assert "one class" in regret(nan, None, 9).note
    assert "not trained on" in regret(good, nan[0], 9).note
    equal = fixed([0.5, 0.5], [0.5, 0.5])
    assert "never differ" in ranking_agreement(equal, equal, 9).note
    assert not reached(nan[:, 0], 9).assessable


def reversed_boosting(train, seed):
    ask = FAMILIES["boosting"].fit(train, seed)
    return lambda each: 1 - ask(each)


def constant(train, seed):
    return lambda each: np.full(len(each.y), 0.5)


MODELS = {
    "good": FAMILIES["boosting"],
    "useless": Family(title="constant", fit=constant, samples=100),
    "harmful": Family(title="reversed", fit=reversed_boosting, samples=20_000),
}


@pytest.fixture(scope="module")
def sides(clinic, clinic_codec):
    return [task(clinic(400, seed), clinic_codec, DIED) for seed in (1, 2, 3)]


def test_a_copy_like_real_patients_keeps_the_order(sides):
    # AUCs of about 0.8, 0.5 and 0.2 lie more than ten standard errors apart.
    held = contest(*sides, MODELS, replicates=20)
    assert held.names == tuple(MODELS)
    assert held.real.shape == held.copy.shape == (21, 3, 3)
    assert ranking_agreement(held.real, held.copy, held.patients).value == 1
    assert regret(held.real, held.seen_copy, held.patients).value == 0
    np.testing.assert_array_equal(held.real[:, 1], 0.5)


def test_turned_labels_turn_the_order_round(sides):
    real, copy, holdout = sides
    held = contest(real, dataclasses.replace(copy, y=~copy.y), holdout, MODELS, replicates=20)
    assert ranking_agreement(held.real, held.copy, held.patients).value == -1
    # On the copy's own patients the good one still looks best, and is: nothing is lost.
    assert regret(held.real, held.seen_copy, held.patients).value == 0


def test_left_out_patients_were_not_trained_on(sides):
    seen = []

    def spy(train, seed):
        seen.append([set(train.patient.tolist())])

        def ask(each):
            seen[-1].append(set(each.patient.tolist()))
            return np.full(len(each.y), 0.5)

        return ask

    contest(*sides, {"spy": Family(title="spy", fit=spy, samples=10_000)}, most=100, replicates=2)
    assert len(seen) == 6
    for trained_on, _, left_out in seen:
        assert not trained_on & left_out
        assert len(trained_on | left_out) == 100


def test_what_raises_stops_or_is_set_aside(sides):
    def broken(train, seed):
        raise ZeroDivisionError("no way")

    models = {**MODELS, "broken": Family(title="broken", fit=broken, samples=9)}
    with pytest.raises(ZeroDivisionError):
        contest(*sides, models, replicates=2)
    held = contest(*sides, models, replicates=2, set_aside=(Exception,))
    assert held.names == tuple(MODELS)
    assert held.failed == {"broken": "ZeroDivisionError: no way"}


def test_a_seed_fixes_the_contest(sides):
    first, again = (contest(*sides, MODELS, replicates=3, seed=2) for _ in range(2))
    np.testing.assert_array_equal(first.copy, again.copy)
    np.testing.assert_array_equal(first.seen_real, again.seen_real)


def test_nobody_never_crashes(sides):
    real, copy, holdout = sides
    none = dataclasses.replace(copy.take(np.arange(0)), patients=0)
    held = contest(real, none, holdout, MODELS, replicates=2)
    np.testing.assert_array_equal(held.copy, np.full((3, 3, 3), 0.5))
    assert not regret(held.real, held.seen_copy, held.patients).assessable
