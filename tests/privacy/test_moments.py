"""Sums of products: worked by hand, and never moved further than promised by one patient."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from few_patients import (
    CODEC,
    MISSING,
    SEX,
    extreme_patients,
    moved_by,
    random_patients,
    scores_of,
    tokens_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from dpsynth.privacy import moments
from dpsynth.privacy.moments import (
    ClassSums,
    LabelMoments,
    VisitMoments,
    clipped,
    known,
    known_scale,
    summaries,
)
from dpsynth.privacy.scores import Scores

WIDTHS = (2, 1, 3)  # of facts, turn, visit in `scores_of`
EVERYBODY = tokens_of([*extreme_patients(), *random_patients(60, 1)])
PLAIN = Scores(  # sex 0, 1; turn 0..3; pain 1, 2, 4 or missing 0; drug says nothing
    static=(np.array([[0.0], [1.0]]),),
    turn=np.tile(np.arange(4.0)[:, None], (5, 1, 1)),
    visit=(np.array([[1.0], [2.0], [4.0], [0.0]]), np.zeros((3, 0))),
    blank=(MISSING, -1),
    counted=False,
    scale=np.ones(3),
)


def questions(scores: Scores, clip: float) -> list:
    rng = np.random.default_rng(2)
    size = WIDTHS[0] + WIDTHS[2]
    last = np.array([True, False, True])
    held = {"centre": rng.normal(size=size), "whiten": rng.normal(size=(size, 4))}

    def products(field: int, clip: tuple[float, float]) -> LabelMoments:
        told = known(scores, field, EVERYBODY, np.array([0]), np.array([0])).shape[1]
        turned = {"centre": rng.normal(size=told), "whiten": rng.normal(size=(told, 3))}
        return LabelMoments(scores=scores, field=field, clip=clip, **turned)

    return [
        VisitMoments(scores=scores, clip=clip),
        products(0, (clip, 2 * clip)),
        products(1, (2 * clip, clip)),
        ClassSums(scores=scores, label=0, last=last, clip=clip, **held),
    ]


def test_visit_moments_worked_by_hand():
    # Sex 1, pain 1 then 4: u = (1, 0, 1) and (1, 1, 4), each with half the weight.
    asked = VisitMoments(scores=PLAIN, clip=100.0)
    found = asked.answer(tokens_of([(1, [(0, 0), (2, 0)])]), CODEC)
    np.testing.assert_allclose(found, [[1, 0.5, 2.5], [0.5, 0.5, 2], [2.5, 2, 8.5]])
    # Who has no visits adds facts alone.
    none = asked.answer(tokens_of([(1, [])]), CODEC)
    np.testing.assert_allclose(none, [[1, 0, 0], [0, 0, 0], [0, 0, 0]])
    # u = (0, 0, 4) at a bound of 2 counts as (0, 0, 2).
    short = replace(asked, clip=2.0).answer(tokens_of([(0, [(2, 0)])]), CODEC)
    np.testing.assert_allclose(short, np.diag([0, 0, 4.0]))


def test_scales_weigh_scores_before_they_are_cut():
    # u = (1, 0, 4) times (1, 1, .5) is (1, 0, 2), of length sqrt 5: cut to 1.
    scores = replace(PLAIN, scale=np.array([1.0, 1.0, 0.5]))
    asked = VisitMoments(scores=scores, clip=1.0)
    found = asked.answer(tokens_of([(1, [(2, 0)])]), CODEC)
    np.testing.assert_allclose(found, [[0.2, 0, 0.4], [0, 0, 0], [0.4, 0, 0.8]])


def test_what_is_known_at_a_visit_worked_by_hand():
    # Pain 4, missing, 2. Facts, turn, first, pain before (drug says nothing).
    tokens = tokens_of([(1, [(2, 0), (MISSING, 0), (1, 0)])])
    patient, turn = np.zeros(3, dtype=int), np.arange(3)
    found = known(PLAIN, 0, tokens, patient, turn)
    np.testing.assert_allclose(found, [[1, 0, 1, 0], [1, 1, 0, 4], [1, 2, 0, 0]])
    # Of drug, pain is another field: now, and what was last known.
    found = known(PLAIN, 1, tokens, patient, turn)
    np.testing.assert_allclose(found, [[1, 0, 4, 1, 0], [1, 1, 0, 0, 4], [1, 2, 2, 0, 4]])
    assert known_scale(PLAIN, 1, 0.5).tolist() == [1, 1, 1, 1, 0.5]
    assert known_scale(PLAIN, 0, 0.5).tolist() == [1, 1, 1, 1]


def test_label_moments_worked_by_hand():
    # Pain 4, missing (0), 2 times (turn, first): (4 * (0, 1) + 0 + 2 * (2, 0)) / 3.
    turned = np.zeros((4, 2))
    turned[1, 0] = turned[2, 1] = 1.0
    asked = LabelMoments(
        scores=PLAIN, field=0, centre=np.zeros(4), whiten=turned, clip=(100.0, 100.0)
    )
    tokens = tokens_of([(0, [(2, 0), (MISSING, 0), (1, 0)]), (1, [])])
    np.testing.assert_allclose(asked.answer(tokens, CODEC), [[4 / 3, 4 / 3]])
    # With bounds 1 and 1: (1 * (0, 1) + 0 + 1 * (1, 0)) / 3.
    np.testing.assert_allclose(replace(asked, clip=(1.0, 1.0)).answer(tokens, CODEC), [[1 / 3] * 2])


def test_class_sums_worked_by_hand():
    # Summaries: sex, and the last known or the mean pain. Pain 4, missing, 2, missing.
    tokens = tokens_of([(1, [(2, 0), (MISSING, 0), (1, 0), (MISSING, 0)]), (0, []), (1, [])])
    known, mean = np.array([True]), np.array([False])
    np.testing.assert_allclose(summaries(PLAIN, tokens, known), [[1, 2], [0, 0], [1, 0]])
    np.testing.assert_allclose(summaries(PLAIN, tokens, mean), [[1, 6 / 4], [0, 0], [1, 0]])
    asked = ClassSums(
        scores=PLAIN, label=0, last=known, centre=np.ones(2), whiten=np.diag([1.0, 2.0]), clip=2.0
    )
    # Sex 0: (-1, -2) cut from length sqrt 5 to 2. Sex 1: (0, 2) and (0, -2).
    cut = 2 / 5**0.5
    np.testing.assert_allclose(asked.answer(tokens, CODEC), [[-cut, -2 * cut], [0, 0]], atol=1e-12)


def test_without_visit_columns_facts_are_the_summary():
    tokens = tokens_of([(1, [])])
    bare = replace(PLAIN, visit=(), blank=(), turn=np.zeros((1, 0, 1)), scale=np.ones(2))
    few = moments.Tokens(static=tokens.static, visits=tokens.visits[:, :0], length=tokens.length)
    np.testing.assert_allclose(summaries(bare, few, np.zeros(0, dtype=bool)), [[1]])
    np.testing.assert_allclose(VisitMoments(scores=bare, clip=9.0).answer(few, CODEC)[0, 0], 1)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    scale=st.sampled_from([1e-12, 1e-3, 1.0, 1e3, 1e12]),
    clip=st.floats(1e-3, 1e3),
)
def test_nobody_moves_an_answer_by_more_than_promised(seed, scale, clip):
    few = tokens_of(random_patients(5, seed))
    for asked in questions(scores_of(seed, scale), clip):
        assert moved_by(asked, few).max() <= asked.sensitivity * (1 + 1e-12)
        whole = asked.answer(few, CODEC)
        for gone in range(len(few)):
            rest = few.take(np.delete(np.arange(len(few)), gone))
            moved = np.linalg.norm(whole - asked.answer(rest, CODEC))
            assert moved <= asked.sensitivity * (1 + 1e-9)


@pytest.mark.parametrize("place", range(4))
def test_the_promise_holds_for_extremes_and_is_reached(place):
    # Clip far below the scores' lengths: visits all alike add the whole of it.
    asked = questions(scores_of(3), 0.01)[place]
    moved = moved_by(asked, EVERYBODY)
    assert moved.max() <= asked.sensitivity * (1 + 1e-12)
    assert moved.max() >= asked.sensitivity * (1 - 1e-9)


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, 1e200, 1e308, 5e-324])
def test_scores_that_are_no_numbers_add_nothing_and_say_nothing(place, wrong):
    # Whoever has that code adds at most the bound; a warning would tell that somebody has it.
    scores = scores_of(4)
    for table in (scores.static[0], scores.turn[2], *scores.visit):
        table[1, 0] = wrong
    asked = questions(scores, 1.0)[place]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        moved = moved_by(asked, EVERYBODY)
        assert np.isfinite(asked.answer(EVERYBODY, CODEC)).all()
    assert np.isfinite(moved).all()
    assert moved.max() <= asked.sensitivity * (1 + 1e-12)


@pytest.mark.parametrize("place", range(4))
def test_what_a_patient_adds_does_not_depend_on_others(place, monkeypatch):
    asked = questions(scores_of(5), 0.7)[place]
    alone = sum(asked.answer(EVERYBODY.take(np.array([i])), CODEC) for i in range(len(EVERYBODY)))
    whole = asked.answer(EVERYBODY, CODEC)
    np.testing.assert_allclose(whole, alone, rtol=1e-9, atol=1e-9)
    # Nor on where the chunks end.
    monkeypatch.setattr(moments, "CHUNK", 7)
    np.testing.assert_allclose(asked.answer(EVERYBODY, CODEC), whole, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("place", range(4))
def test_nobody_at_all_gives_zeros_of_the_same_shape(place):
    asked = questions(scores_of(5), 0.7)[place]
    none = asked.answer(tokens_of([]), CODEC)
    assert none.shape == asked.answer(EVERYBODY, CODEC).shape
    assert not none.any()
    assert none.shape == [(6, 6), (2, 3), (1, 3), (SEX, 4)][place]


def test_clipping_shortens_and_never_turns():
    rows = np.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0]])
    with np.errstate(invalid="ignore"):
        found = clipped(rows, 1.0)
    np.testing.assert_allclose(found, [[0.6, 0.8], [0.3, 0.4], [0, 0], [0, 0], [0, 0]])


def test_an_unclipped_product_would_break_the_promise():
    # Power of the tests above: the same question with a bound that does nothing.
    asked = questions(scores_of(3), 0.01)[0]
    loose = replace(asked, clip=1e9)
    assert moved_by(loose, EVERYBODY).max() > 1000 * asked.sensitivity
