"""Kinds of models, and the plain matrix that most of them take."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from dpsynth.data.codec import codec
from dpsynth.evaluation.utility.discrimination import auc
from dpsynth.evaluation.utility.families import FAMILIES, families
from dpsynth.evaluation.utility.families.estimator import fit_estimator
from dpsynth.evaluation.utility.families.gru import sequences
from dpsynth.evaluation.utility.families.plain import Plain
from dpsynth.evaluation.utility.predictions import trained
from dpsynth.evaluation.utility.task import Task, task
from dpsynth.schema import Label

NAN = float("nan")
DIED = Label(column="died", positive="true")
INSULIN = Label(column="therapy", positive="insulin", given="same")


@pytest.fixture(scope="module")
def sides(clinic, clinic_codec) -> tuple[Task, Task]:
    return tuple(task(clinic(600, seed), clinic_codec, DIED) for seed in (1, 2))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_signal_is_found_and_shuffled_labels_show_none(sides, name):
    train, test = sides
    found = trained(train, family=FAMILIES[name]).predict(test)
    assert auc(found).value > 0.75
    y = np.random.default_rng(0).permutation(train.y)
    none = trained(dataclasses.replace(train, y=y), family=FAMILIES[name]).predict(test)
    # What it learnt may point the right way by chance, but never as far as the signal.
    assert auc(none).value < auc(found).value - 0.1
    assert ((found.score >= 0) & (found.score <= 1)).all()


@pytest.mark.parametrize("name", FAMILIES)
def test_a_seed_fixes_the_answers_and_leaves_torch_alone(sides, name):
    train, test = (each.take(np.arange(80)) for each in sides)
    before = torch.random.get_rng_state()
    first, again = (
        trained(train, family=FAMILIES[name], seed=4).predict(test).score for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("name", FAMILIES)
def test_hardly_any_samples_never_crash(sides, name):
    train, test = sides
    two = np.array([train.y.argmax(), train.y.argmin()])
    assert np.isfinite(trained(train.take(two), family=FAMILIES[name]).predict(test).score).all()
    for samples in (two[:1], two[:0]):
        made = trained(train.take(samples), family=FAMILIES[name]).predict(test)
        assert "not assessable" in made.note
    assert len(trained(train, family=FAMILIES[name]).predict(test.take(two[:0])).score) == 0


@pytest.mark.parametrize("name", FAMILIES)
def test_what_is_all_missing_never_crashes(sides, name):
    train, test = sides
    blank = dataclasses.replace(train, X=np.full_like(train.X, NAN))
    assert np.isfinite(trained(blank, family=FAMILIES[name]).predict(test).score).all()


def test_visits_may_be_samples(clinic, clinic_codec):
    train, test = (task(clinic(200, seed), clinic_codec, INSULIN) for seed in (1, 2))
    for family in FAMILIES.values():
        assert auc(trained(train, family=family).predict(test)).value > 0.8


def test_static_data_have_no_network_over_visits(clinic_plan, clinic_codec):
    tables = {"patients": clinic_plan.tables["patients"]}
    flat = codec(clinic_plan.model_copy(update={"tables": tables}))
    assert set(families(flat)) == set(FAMILIES) - {"gru"}
    assert set(families(clinic_codec)) == set(FAMILIES)


def test_a_plain_matrix_by_hand(clinic_codec):
    # Age 0, 2 and missing, ten times each: mean 1, spread 1, missing the mean. Therapies 0, 1
    # and 2 are columns of their own. The constant is left out; one column says what is missing.
    age, therapy = clinic_codec.static[1], clinic_codec.visit[2]
    rows = [[0, 0, 5], [2, 1, 5], [NAN, 2, 5]]
    X = np.array(rows * 10, dtype=np.float32)
    made = Plain(X, [age, therapy, age])(X[:3])
    np.testing.assert_allclose(
        made, [[-1, 1, 0, 0, 0], [1, 0, 1, 0, 0], [0, 0, 0, 1, 1]], atol=1e-6
    )


def test_columns_missing_together_are_said_once(clinic_codec):
    age = clinic_codec.static[1]
    X = np.array([[1, 3], [2, 5], [NAN, NAN]] * 10, dtype=np.float32)
    assert Plain(X, [age, age]).width == 3


def test_a_plain_matrix_of_nothing_is_one_column(clinic_codec):
    age = clinic_codec.static[1]
    assert Plain(np.full((5, 1), NAN), [age])(np.ones((2, 1))).tolist() == [[0], [0]]
    assert Plain(np.zeros((0, 1)), [age]).width == 1


def test_visits_are_read_up_to_the_sample_and_no_further(clinic_codec, make_tokens):
    visits = [[[0, 3, 1], [2, 4, 0], [1, 5, 2]]]
    tokens = make_tokens([[0, 1, 0]], visits, clinic_codec)
    made = task(tokens, clinic_codec, Label(column="therapy", positive="insulin"))
    found, there = sequences(made)
    assert there.tolist() == [[False, False, True, True]]
    np.testing.assert_array_equal(found[0, 2:], [[NAN, 3, 1], [2, 4, 0]])


class Odd:
    """Answers with what it was made with."""

    def __init__(self, answer: np.ndarray) -> None:
        self.answer = answer

    def fit(self, X: np.ndarray, y: np.ndarray) -> None:
        assert np.isfinite(X).all()
        assert set(y) == {0, 1}

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        return self.answer


@pytest.mark.parametrize(
    ("answer", "told"), [(np.zeros(600), "must return"), (np.full((600, 2), NAN), "NaN")]
)
def test_what_is_no_chance_is_refused(sides, answer, told):
    train, test = sides
    with pytest.raises(ValueError, match=told):
        fit_estimator(Odd(answer), train)(test)
