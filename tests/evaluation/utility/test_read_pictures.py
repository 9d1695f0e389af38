"""A classifier of pictures: what it learns, what it can't, and whose pictures it is judged on."""

import numpy as np
import pytest
from pictured import flat, noisy

from dpsynth.evaluation.shown import UNKNOWN
from dpsynth.evaluation.utility.discrimination import auc
from dpsynth.evaluation.utility.pictures import read_pictures, uninformed_reader


def test_a_sign_that_is_there_is_read_and_one_that_is_not_is_not():
    found = auc(read_pictures(noisy(400, 1), noisy(400, 2)))
    assert found.value > 0.95  # left half brighter by 40 of 200 shades: 32 pixels, 2.8 sd each way
    blind = noisy(400, 3)
    blind = blind.like(np.random.default_rng(0).permutation(blind.pixels))
    # An AUC by chance on 200 and 200 has sd .029: 6 of them, false alarm 2e-9.
    assert auc(read_pictures(blind, noisy(400, 2))).value == pytest.approx(0.5, abs=0.18)


def test_pictures_without_a_label_neither_teach_nor_judge():
    train, test = noisy(100, 1), noisy(60, 2)
    test.code[:10] = UNKNOWN
    found = read_pictures(train, test)
    assert len(found.y) == len(found.score) == len(found.patient) == 50
    assert found.patients == 60 and found.threshold == 0.5
    train.code[:] = UNKNOWN
    assert "no training sample" in read_pictures(train, test).note


def test_one_class_is_a_note_and_no_crash():
    train = flat([10, 20, 30], code=[1, 1, 1], classes=("well", "ill"), size=8)
    found = read_pictures(train, noisy(40, 2))
    assert "one class" in found.note
    assert auc(found).value == 0.5


def test_pictures_that_are_all_alike_teach_nothing():
    same = flat([128] * 20, code=[0, 1] * 10, classes=("well", "ill"), size=8)
    found = read_pictures(same, noisy(40, 2))
    assert "all alike" in found.note
    assert auc(found).value == 0.5


def test_the_control_is_chance():
    assert auc(uninformed_reader(noisy(10, 1), noisy(40, 2))).value == 0.5


def test_a_patients_pictures_stay_together():
    wide = auc(read_pictures(noisy(200, 1), noisy(200, 2, patients=10)))
    narrow = auc(read_pictures(noisy(200, 1), noisy(200, 2)))
    assert wide.value == narrow.value
    assert wide.n == 10 and narrow.n == 200
