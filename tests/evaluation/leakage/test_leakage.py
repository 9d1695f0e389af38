"""Copies and the nearest-neighbour membership attack."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.evaluation.leakage.copies import copy_rate
from dpsynth.evaluation.leakage.membership import Attack, membership_auc, membership_tpr
from dpsynth.evaluation.leakage.nearest import Distances, nearest, nearest_attack


def attack(members, outsiders, synthetic) -> Attack:
    far = [nearest(each, synthetic) for each in (members, outsiders)]
    member = np.repeat([True, False], [len(each) for each in far])
    to_copy = np.concatenate(far)
    known = Distances(member=member, to_copy=to_copy, to_others=np.ones(len(member)), codes=16)
    return nearest_attack(known)


@pytest.fixture
def four(clinic_codec, make_tokens):
    visit = [[0, 3, 0]]
    return make_tokens([[0, 1, 0], [0, 2, 0], [1, 3, 0], [1, 4, 1]], [visit] * 4, clinic_codec)


def test_copies_are_counted(four, clinic_codec, make_tokens):
    visit = [[0, 3, 0]]
    made = make_tokens(
        [[0, 1, 0], [0, 1, 0], [1, 3, 0], [1, 4, 0]], [visit, visit, [], visit], clinic_codec
    )
    # The first two equal patient 0; the third lacks the visit, the fourth differs in death.
    assert copy_rate(made, four).value == 0.5
    assert copy_rate(four, four).value == 1.0


def test_no_synthetic_patients_copy_nobody(four):
    made = copy_rate(four.take(np.array([], dtype=int)), four)
    assert not made.assessable


def test_nearest_counts_the_codes_that_differ(four):
    # 3 static + 4 * 3 visit codes + length = 16. Patient 1 differs from 0 in age only.
    made = nearest(four.take(np.array([0, 1, 3])), four.take(np.array([0])))
    np.testing.assert_allclose(made, [0, 1 / 16, 3 / 16])


def test_nearest_agrees_with_a_loop(clinic, clinic_codec):
    a, b = clinic_codec.encode(clinic(150, 1)), clinic_codec.encode(clinic(70, 2))
    rows = [np.concatenate([t.static, t.visits.reshape(len(t), -1)], axis=1) for t in (a, b)]
    loop = [
        min((x != y).sum() + (m != n) for y, n in zip(rows[1], b.length, strict=True)) / 16
        for x, m in zip(rows[0], a.length, strict=True)
    ]
    np.testing.assert_allclose(nearest(a, b), loop)


def test_a_copy_is_recognised_and_fresh_patients_are_not(clinic, clinic_codec):
    # About 300 of each, with four visits so that hardly two are alike by coincidence; under
    # chance the AUC's sd is 0.024: 0.12 is 5 of them.
    everyone = (clinic_codec.encode(clinic(1500, seed)) for seed in (1, 2, 3))
    members, outsiders, fresh = (t.take(np.flatnonzero(t.length == 4)) for t in everyone)
    caught = attack(members, outsiders, members)
    assert membership_auc(caught).low > 0.9
    assert membership_tpr(caught).value > 0.5
    blind = attack(members, outsiders, fresh)
    assert abs(membership_auc(blind).value - 0.5) < 0.12
    assert membership_tpr(blind).value < 0.1


def test_rate_at_one_percent_by_hand():
    # 100 outsiders and 4 members. Two members above everyone, then one outsider (1 %), then
    # a member: at 1 % three members... the fourth comes later: 3/4, the curve's highest there.
    member = np.array([True, True, False, True, True] + [False] * 99)
    score = np.array([9.0, 8.0, 7.0, 6.0, 4.0] + [5.0] * 99)
    assert membership_tpr(Attack(member, score)).value == pytest.approx(0.75)


def test_ties_are_guesses():
    member = np.repeat([True, False], 200)
    made = membership_tpr(Attack(member, np.zeros(400)))
    assert made.value == pytest.approx(0.01)
    assert membership_auc(Attack(member, np.zeros(400))).value == 0.5


def test_chance_raises_no_alarm_more_often_than_stated():
    # 300 attacks on noise; the interval's lower end above 0.5 in 2.5 %: 7.5 expected, and
    # more than 27 in fewer than 1e-6 of runs (binomial, with 3 % for a bootstrap's slack).
    rng, member = np.random.default_rng(11), np.repeat([True, False], 100)
    alarms = sum(
        membership_auc(Attack(member, rng.random(200)), replicates=100, seed=s).low > 0.5
        for s in range(300)
    )
    assert alarms <= 27


def test_few_patients_are_not_assessable(four):
    empty = four.take(np.array([], dtype=int))
    assert not membership_tpr(attack(four, four, four)).assessable
    assert not membership_auc(attack(empty, four, four)).assessable
    assert membership_auc(attack(four, four, empty)).value == 0.5


def test_nobody_is_compared_with_himself(four):
    # The nearest other of each differs in 1 (age), 1, 2 (age, death) and 2 of 16 codes.
    np.testing.assert_allclose(nearest(four, four), 0)
    np.testing.assert_allclose(nearest(four, four, but_self=True) * 16, [1, 1, 2, 2])
    one = four.take(np.array([0]))
    np.testing.assert_allclose(nearest(one, one, but_self=True), 1)
