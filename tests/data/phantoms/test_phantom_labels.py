"""The label can be read from the images, as well as the truth says and no better.

Every interval is at least five standard errors (Hanley and McNeil) wide on its side, so that
it fails for less than 1e-6 of all seeds; the values in comments are of these seeds.
"""

from dataclasses import replace

import pytest

from dpsynth.data.phantoms import CHEST, SKIN, Risk, chest, skin

ADULTS = replace(CHEST, ages=(20, 60), hard_age=0, risks=(Risk(at_50=0.0),), images=(1.0,))


def test_pneumonia_can_be_learnt_but_not_perfectly(chests, auc_of):
    auc, error = auc_of(chests, "true")
    print(auc, error)
    assert 0.85 - 5 * error < 0.85 < auc < 0.999


def test_melanoma_can_be_learnt_but_not_perfectly(lesions, auc_of):
    auc, error = auc_of(lesions, "melanoma")
    print(auc, error)
    assert 0.75 < auc < 0.999


def test_the_rare_class_can_be_learnt_where_it_is_not_rare(auc_of):
    truth = replace(SKIN, classes=("nevus", "vascular"), risks=(Risk(at_50=0.0),))
    auc, error = auc_of(skin(600, seed=7, truth=truth), "vascular")
    print(auc, error)
    assert 0.8 < auc


def test_the_subgroup_in_which_the_label_shows_less_is_harder(auc_of):
    phantoms = chest(2500, seed=7, truth=ADULTS)
    women, error_w = auc_of(phantoms, "true", lambda table: (table["sex"] == "f").to_numpy())
    men, error_m = auc_of(phantoms, "true", lambda table: (table["sex"] == "m").to_numpy())
    print(women, men, error_w, error_m)
    assert men - women > 0.05


def test_no_subgroup_is_harder_when_the_truth_has_none(auc_of):
    # Control of the test above.
    phantoms = chest(2500, seed=7, truth=replace(ADULTS, hard_factor=1.0))
    women, error_w = auc_of(phantoms, "true", lambda table: (table["sex"] == "f").to_numpy())
    men, error_m = auc_of(phantoms, "true", lambda table: (table["sex"] == "m").to_numpy())
    print(women, men, error_w, error_m)
    assert abs(men - women) < 5 * (error_w**2 + error_m**2) ** 0.5


@pytest.mark.parametrize(
    ("draw", "truth", "value"),
    [
        (chest, replace(CHEST, contrast=0.0, risks=(Risk(at_50=0.0),)), "true"),
        (skin, replace(SKIN, contrast=0.0, risks=(Risk(at_50=0.0),) * 3), "melanoma"),
    ],
)
def test_nothing_can_be_learnt_without_the_effect(draw, truth, value, auc_of):
    # Neither contrast nor age nor sex tells the classes apart: AUC 0.5.
    auc, error = auc_of(draw(1500, seed=7, truth=truth), value)
    print(auc, error)
    assert abs(auc - 0.5) < 5 * error
