"""A sum of bounded scores: one patient moves it by at most 1, whatever the score says."""

import warnings

import numpy as np
import pytest
from few_patients import CODEC, extreme_patients, moved_by, random_patients, tokens_of

from dpsynth.data.codec import Tokens
from dpsynth.errors import BudgetError
from dpsynth.privacy.query import joint_sensitivity
from dpsynth.privacy.witness import Witness

EVERYBODY = tokens_of([*extreme_patients(), *random_patients(20, 1)])
SCORES = {
    "of visits": lambda tokens: np.tanh(tokens.length - 1.0),
    "far too long": lambda tokens: 1e9 * (tokens.length - 1.0),
    "no number": lambda tokens: np.where(tokens.length == 0, np.nan, np.inf),
}


def test_worked_by_hand():
    # Scores .5, 7 (counts as 1), -9 (as -1), nothing (as 0) and inf (as 0): 0.5 in all.
    said = np.array([0.5, 7.0, -9.0, np.nan, np.inf])
    asked = Witness(score=lambda tokens: said[: len(tokens)])
    five = EVERYBODY.take(np.arange(5))
    assert asked.answer(five, CODEC).tolist() == [0.5]
    assert asked.answer(five.take(np.arange(0)), CODEC).tolist() == [0.0]
    assert asked.sensitivity == 1.0


@pytest.mark.parametrize("score", SCORES.values(), ids=SCORES)
def test_one_patient_moves_the_answer_by_at_most_1(score):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a warning would tell that such a patient exists
        assert moved_by(Witness(score=score), EVERYBODY).max() <= 1.0


def test_a_score_that_is_not_bounded_would_be_seen():
    # Power of the test above.
    class Unbounded(Witness):
        def answer(self, tokens: Tokens, codec) -> np.ndarray:
            return self.score(tokens).sum(keepdims=True)

    asked = Unbounded(score=SCORES["far too long"])
    assert moved_by(asked, EVERYBODY).max() > 1.0


def test_a_weight_of_nothing_is_refused():
    with pytest.raises(BudgetError):
        joint_sensitivity([Witness(score=SCORES["of visits"], weight=0.0)])
