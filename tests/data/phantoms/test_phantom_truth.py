"""The law of the phantoms, and that they follow it."""

from dataclasses import replace

import numpy as np
import pytest

from dpsynth.data.phantoms import CHEST, SKIN, Risk, Truth

LIMIT = 5.0  # standard deviations; a normal deviate is beyond for 6e-7 of all seeds


def first(phantoms):
    """One row per patient."""
    return phantoms.table.drop_duplicates("patient")


def deviation(hits, chances):
    """Standard deviations between a count and the sum of its independent chances."""
    return (hits.sum() - chances.sum()) / np.sqrt((chances * (1 - chances)).sum())


def test_a_risk_is_a_logistic_function_of_age_and_sex():
    # At 60 a man's log odds are -1 + 0.5 * 1 + 0.5 = 0, a woman's at 50 are -1: worked by hand.
    truth = replace(CHEST, risks=(Risk(at_50=-1, per_decade=0.5, male=0.5),))
    ill = truth.probabilities(np.array(["m", "f"]), np.array([60, 50]))[:, 1]
    np.testing.assert_allclose(ill, [0.5, 1 / (1 + np.e)])


def test_the_label_shows_less_in_old_women_alone():
    sex, age = np.array(["f", "f", "m"]), np.array([65, 64, 90])
    np.testing.assert_allclose(CHEST.visibility(sex, age), [0.4, 1, 1])


def test_the_expected_prevalence_is_the_mean_over_ages_and_sexes():
    # One age and women only: the logistic function at that age.
    truth = replace(CHEST, ages=(50, 50), female=1.0, risks=(Risk(at_50=0.0),))
    np.testing.assert_allclose(truth.prevalence(), [0.5, 0.5])


@pytest.mark.parametrize("kind", ["chests", "lesions"])
def test_people_follow_the_truth(kind, request):
    phantoms = request.getfixturevalue(kind)
    people, truth = first(phantoms), phantoms.truth
    assert abs(deviation(people["sex"] == "f", np.full(len(people), truth.female))) < LIMIT
    low, high = truth.ages
    assert people["age"].between(low, high).all()
    old = (people["age"] >= 65).to_numpy()
    share = (high - 65 + 1) / (high - low + 1)
    assert abs(deviation(old, np.full(len(people), share))) < LIMIT
    shots = phantoms.table.groupby("patient").size()
    for number, share in enumerate(truth.images, start=1):
        assert abs(deviation(shots == number, np.full(len(people), share))) < LIMIT


@pytest.mark.parametrize("kind", ["chests", "lesions"])
def test_the_label_follows_the_truth_within_every_age_and_sex(kind, request):
    phantoms = request.getfixturevalue(kind)
    people, truth = first(phantoms), phantoms.truth
    sex, age = people["sex"].to_numpy(), people["age"].to_numpy()
    chances = truth.probabilities(sex, age)
    groups = [sex == "f", sex == "m", age < 30, (age >= 30) & (age < 60), age >= 60]
    for place, name in enumerate(truth.classes):
        has = (people[truth.label] == name).to_numpy()
        for group in groups:
            assert abs(deviation(has[group], chances[group, place])) < LIMIT


def test_age_and_sex_effects_are_large_enough_to_find(chests):
    # Power of the test above: against a flat truth of the same prevalence it fails.
    people = first(chests)
    ill = people["pneumonia"] == "true"
    flat = np.full(len(people), CHEST.prevalence()[1])
    old = people["age"] >= 60
    assert deviation(ill[old], flat[old]) > LIMIT


def test_the_rare_class_is_about_two_percent(lesions):
    rare = SKIN.prevalence()[SKIN.classes.index("vascular")]
    assert rare == pytest.approx(0.02, abs=0.002)
    people = first(lesions)
    assert abs(deviation(people["dx"] == "vascular", np.full(len(people), rare))) < LIMIT


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("label", "sex", "label must not be empty or one of"),
        ("label", "truth_risk", "must not begin with"),
        ("classes", ("true",), "classes must be two or more"),
        ("classes", ("a", "a"), "classes must be two or more"),
        ("risks", (), "risks must be one for each class but the first: 1, got 0"),
        ("female", 1.2, "female must be in"),
        ("contrast", -0.1, "contrast must be in"),
        ("hard_factor", np.nan, "hard_factor must be in"),
        ("ages", (50, 40), "ages must ascend"),
        ("hard_sex", "x", "hard_sex must be"),
        ("images", (0.5, 0.4), "images must be shares that sum to 1"),
        ("images", (), "images must be shares that sum to 1"),
    ],
)
def test_a_truth_that_cannot_be_is_refused(field, value, message):
    with pytest.raises(ValueError, match=message):
        replace(CHEST, **{field: value})


def test_a_risk_must_be_finite():
    with pytest.raises(ValueError, match="per_decade must be a finite number"):
        Risk(at_50=0, per_decade=np.inf)


def test_the_defaults_are_as_documented():
    assert isinstance(SKIN, Truth)
    for truth in (CHEST, SKIN):
        assert (truth.hard_sex, truth.hard_age, truth.hard_factor) == ("f", 65, 0.4)
        assert truth.images == (0.5, 0.3, 0.2)
