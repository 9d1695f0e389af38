"""Likeness and leakage within a group."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.evaluation.bias.by_group import group_membership_auc, group_tv1
from dpsynth.evaluation.fidelity.one_way import tv1
from dpsynth.evaluation.leakage.membership import Attack


def test_likeness_of_a_group_is_that_of_its_patients(clinic, clinic_codec):
    real, copy = (clinic_codec.encode(clinic(120, seed)) for seed in (1, 2))
    assert group_tv1(real, copy, clinic_codec) == tv1(real, copy, clinic_codec)
    nobody = copy.take(np.zeros(0, dtype=int))
    assert group_tv1(real, nobody, clinic_codec).value == 1.0


def test_few_real_patients_of_a_group_are_not_assessable(clinic, clinic_codec):
    real, copy = (clinic_codec.encode(clinic(patients, 1)) for patients in (49, 120))
    found = group_tv1(real, copy, clinic_codec)
    assert (found.n, found.note) == (49, "49 patients, fewer than 50")


MEMBER = np.repeat([True, False], 200)


def test_a_group_that_is_recognised_is_found_though_others_are_not():
    rng = np.random.default_rng(0)
    inside = np.arange(400) % 2 == 0
    score = np.where(inside, MEMBER, rng.random(400))
    made = Attack(MEMBER, score)
    assert group_membership_auc(made, inside).value == 1.0
    assert group_membership_auc(made, inside).n == 200
    # 100 against 100 by chance: the standard error is 0.041, five of them 0.2.
    assert group_membership_auc(made, ~inside).value == pytest.approx(0.5, abs=0.2)


def test_few_attacked_of_a_group_are_not_assessable():
    made = Attack(MEMBER, np.random.default_rng(0).random(400))
    for inside in (np.arange(400) < 249, np.zeros(400, dtype=bool)):
        found = group_membership_auc(made, inside)
        assert not found.assessable
        assert "fewer than 50" in found.note
