"""Tables with one bound and moments, asked at the real door: noise is as strong as it says."""

from dataclasses import replace

import numpy as np
import pytest
from few_patients import CODEC, random_patients, scores_of, tokens_of
from scipy import stats

from dpsynth.errors import BudgetError
from dpsynth.privacy.clipped_tables import ClippedTables
from dpsynth.privacy.door import Door
from dpsynth.privacy.moments import ClassSums, LabelMoments, VisitMoments
from dpsynth.privacy.noise import CryptoStream
from dpsynth.privacy.plan import Plan, Release
from dpsynth.privacy.query import Query, Slot

ALARM = 1e-6
SCORES = scores_of(1)
QUESTIONS = [
    Query((Slot("static", 0),), weight=0.5),
    ClippedTables(tables=(Query((Slot("now", 0), Slot("next", 0))),), bound=0.65, weight=2.0),
    VisitMoments(scores=SCORES, clip=2.0, weight=0.25),
    LabelMoments(scores=SCORES, field=0, centre=np.zeros(8), whiten=np.eye(8), clip=(1.5, 2.0)),
    ClassSums(
        scores=SCORES, label=0, last=np.ones(3, dtype=bool),
        centre=np.zeros(5), whiten=np.eye(5), clip=3.0, weight=0.5,
    ),
]  # fmt: skip
# Weight times sensitivity: .5 x 1, 2 x .65, .25 x 4, 1 x 3, .5 x 3.
JOINT = (0.5**2 + 1.3**2 + 1.0**2 + 3.0**2 + 1.5**2) ** 0.5
MULTIPLIER = 1.7
RECORDS = CODEC.decode(tokens_of(random_patients(30, 3)), np.random.default_rng(0))


class Silent(CryptoStream):
    def normal(self, size: int) -> np.ndarray:
        return np.zeros(size)


def opened(randomness: CryptoStream, releases: int = 1) -> Door:
    plan = Plan(
        epsilon=1.0,
        delta=1e-5,
        population=30,
        releases=tuple(Release(name=f"{i}", noise_multiplier=MULTIPLIER) for i in range(releases)),
    )
    door = Door(RECORDS, plan=plan, randomness=randomness)
    door.use(CODEC)
    return door


def test_the_door_answers_what_each_question_computes():
    exact = opened(Silent()).measure("0", QUESTIONS)
    tokens = CODEC.encode(RECORDS)
    for question, answer in zip(QUESTIONS, exact, strict=True):
        np.testing.assert_array_equal(answer, question.answer(tokens, CODEC))
        assert np.abs(answer).max() > 0.5


def test_noise_has_the_stated_deviation_in_every_answer():
    draws = 300
    exact = opened(Silent()).measure("0", QUESTIONS)
    door = opened(CryptoStream(), draws)
    noise = [[] for _ in QUESTIONS]
    for i in range(draws):
        for kept, answer, truth in zip(noise, door.measure(f"{i}", QUESTIONS), exact, strict=True):
            kept.append((answer - truth).ravel())
    for question, kept in zip(QUESTIONS, noise, strict=True):
        unit = np.concatenate(kept) / (MULTIPLIER * JOINT / question.weight)
        low, high = stats.chi2.ppf([ALARM / 20, 1 - ALARM / 20], len(unit))
        assert low < (unit**2).sum() < high
        assert stats.kstest(unit, "norm").pvalue > ALARM / 10
        assert len(set(unit.tolist())) > 0.99 * len(unit)  # no cell shares another's noise


def test_only_what_leaves_with_a_bound_leaves():
    door = opened(CryptoStream())
    unbounded = replace(QUESTIONS[2], clip=np.inf)
    with pytest.raises(BudgetError, match="positive and finite"):
        door.measure("0", [unbounded])


def test_a_product_of_weight_and_bound_that_vanishes_is_refused():
    with pytest.raises(BudgetError, match="positive and finite"):
        opened(CryptoStream()).measure(
            "0", [VisitMoments(scores=SCORES, clip=1e-150, weight=1e-100)]
        )


@pytest.mark.parametrize("clip", [0.0, np.inf, np.nan, 1e-200, 1e200])
def test_a_bound_that_is_lost_in_rounding_is_refused(clip):
    # 1e-200 squared is 0 and would mean no noise at all; 1e200 squared is infinite.
    door = opened(CryptoStream())
    with pytest.raises(BudgetError, match="positive and finite"):
        door.measure("0", [VisitMoments(scores=SCORES, clip=clip)])
