"""The attack on pictures: copies are recognised, fresh ones are not."""

from __future__ import annotations

import numpy as np

from dpsynth.evaluation.leakage.membership import membership_auc
from dpsynth.evaluation.leakage.picture_membership import picture_attack
from dpsynth.evaluation.shown import Shown


def shown(pixels, patient=None):
    n = len(pixels)
    patient = np.arange(n) if patient is None else patient
    return Shown(
        pixels=pixels,
        patient=patient,
        patients=int(patient.max()) + 1 if n else 0,
        code=np.zeros(n, dtype=np.int64),
        classes=("",),
        positive=np.zeros(n, dtype=bool),
    )


def shades(n, seed):
    return np.random.default_rng(seed).integers(0, 256, (n, 8, 8, 1), dtype=np.uint8)


def test_a_plain_copy_gives_everybody_away_and_fresh_pictures_nobody():
    members, outsiders = shown(shades(300, 0)), shown(shades(300, 1))
    assert membership_auc(picture_attack(members, members, outsiders)).value == 1.0
    fresh = membership_auc(picture_attack(shown(shades(300, 2)), members, outsiders))
    # Members and outsiders are alike: standard deviation 0.0236; 0.12 is beyond 1e-6.
    assert abs(fresh.value - 0.5) < 0.12


def test_of_a_patient_with_several_pictures_the_nearest_counts():
    pictures = shades(4, 0)
    members = shown(pictures, patient=np.array([0, 0, 1, 1]))
    made = picture_attack(shown(pictures[1:2]), members, shown(shades(2, 5)))
    assert made.member.tolist() == [True, True, False, False]
    assert made.score[0] == 0.0 and (made.score[1:] < 0).all()


def test_a_copy_without_pictures_says_so():
    none = shown(np.zeros((0, 8, 8, 1), dtype=np.uint8))
    made = picture_attack(none, shown(shades(3, 0)), shown(shades(3, 1)))
    assert made.note == "no synthetic pictures" and np.ptp(made.score) == 0
