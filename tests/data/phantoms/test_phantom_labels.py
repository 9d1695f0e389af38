"""The label can be read from the images, as well as the truth says and no better.

Every limit lies at least five standard errors (Hanley and McNeil) from what other seeds gave,
so that it fails for less than 1e-6 of all seeds.
"""

from dataclasses import replace

import numpy as np
import pytest

from dpsynth.data.phantoms import CHEST, SKIN, Risk, chest, skin

ADULTS = replace(CHEST, ages=(20, 60), hard_age=0, risks=(Risk(at_50=0.0),), images=(1.0,))


def test_pneumonia_can_be_learnt_but_not_perfectly(chests, auc_of):
    auc, error = auc_of(chests, "true")
    # Over seeds 0.90 to 0.93, error 0.008.
    assert 0.85 < auc < 0.999 - 5 * error


def test_melanoma_can_be_learnt_but_not_perfectly(lesions, auc_of):
    auc, _ = auc_of(lesions, "melanoma")
    # Over seeds 0.90 to 0.91, error 0.018.
    assert 0.8 < auc < 0.999


def test_the_rare_class_can_be_learnt_where_it_is_not_rare(auc_of):
    truth = replace(SKIN, classes=("nevus", "vascular"), risks=(Risk(at_50=0.0),))
    auc, _ = auc_of(skin(600, seed=7, truth=truth), "vascular")
    # Over seeds 0.96 to 0.97, error 0.013.
    assert auc > 0.88


def women(table):
    return (table["sex"] == "f").to_numpy()


def men(table):
    return (table["sex"] == "m").to_numpy()


def test_the_subgroup_in_which_the_label_shows_less_is_harder(auc_of):
    phantoms = chest(2500, seed=7, truth=ADULTS)
    hard, _ = auc_of(phantoms, "true", women)
    easy, _ = auc_of(phantoms, "true", men)
    # Over seeds 0.17 to 0.21, error 0.025.
    assert easy - hard > 0.04


def test_no_subgroup_is_harder_when_the_truth_has_none(auc_of):
    # Control of the test above.
    phantoms = chest(2500, seed=7, truth=replace(ADULTS, hard_factor=1.0))
    one, error = auc_of(phantoms, "true", women)
    two, other = auc_of(phantoms, "true", men)
    assert abs(one - two) < 5 * (error**2 + other**2) ** 0.5


@pytest.mark.parametrize("kind", ["chests", "lesions"])
def test_age_and_sex_show_in_the_images_too(kind, request, auc_of):
    phantoms = request.getfixturevalue(kind)
    old = np.where(phantoms.table["age"] >= 65, "old", "young")
    phantoms = replace(phantoms, table=phantoms.table.assign(old=old))
    for value, column in (("f", "sex"), ("old", "old")):
        auc, error = auc_of(phantoms, value, column=column)
        assert auc > 0.5 + 5 * error


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
    assert abs(auc - 0.5) < 5 * error
