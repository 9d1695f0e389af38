"""Scores are standardised by what was released, in the order of the values."""

import numpy as np
import pytest
from few_columns import ABC, MANY, PAIN, SEX, schema

from dpsynth.data.codec import codec
from dpsynth.data.field import field
from dpsynth.models.warm.score_tables import (
    LEAST_SD,
    Histograms,
    importance,
    ranks,
    raw,
    score_tables,
    standard,
)
from dpsynth.schema import Column

BOOK = codec(schema({"sex": SEX, "ward": MANY}, {"drug": ABC, "pain": PAIN}, visits=3))


def histograms(seed: int = 0, counted: bool = True) -> Histograms:
    rng = np.random.default_rng(seed)
    static, visit = (
        [rng.dirichlet(np.ones(each.size)) for each in fields]
        for fields in (BOOK.static, BOOK.visit)
    )
    length = rng.dirichlet(np.ones(4)) if counted else None
    return Histograms(static=static, length=length, visit=visit)


def test_standardising_worked_by_hand():
    # Mean .25 * 4 = 1, sd sqrt(.75 * 1 + .25 * 9) = sqrt 3.
    found = standard(np.array([[0.0], [4.0]]), np.array([0.75, 0.25]))
    np.testing.assert_allclose(found[:, 0], [-1 / 3**0.5, 3 / 3**0.5])


def test_what_never_comes_has_a_bounded_score():
    found = standard(np.array([[0.0], [1.0]]), np.array([1.0, 0.0]))
    np.testing.assert_allclose(found[:, 0], [0.0, 1 / LEAST_SD])


@pytest.mark.parametrize("seed", range(5))
def test_scores_have_mean_0_and_variance_1_under_the_histograms(seed):
    found = histograms(seed)
    scores, last = score_tables(BOOK, found, None)
    shares = [*found.static, found.length, *found.visit]
    for table, share in zip((*scores.static, *scores.visit), shares, strict=True):
        np.testing.assert_allclose(share @ table, 0, atol=1e-9)
        np.testing.assert_allclose(share @ table**2, 1, rtol=1e-9)
    # Of the visit's scores, only the rank of pain is one.
    assert last.tolist() == [False, False, True, False]
    assert scores.counted and scores.blank == (-1, BOOK.visit[1].size - 1)


def test_turns_are_standardised_by_how_many_come_to_them():
    # All have 1 or 3 visits: turns 0, 1, 2 have shares .5 + .5 / 3, .5 / 3, .5 / 3.
    found = Histograms(
        static=histograms().static, length=np.array([0, 0.5, 0, 0.5]), visit=histograms().visit
    )
    turn = score_tables(BOOK, found, None)[0].turn
    # Of those with 3 visits, the last is one in three: .5 + .5 / 3 are last ones.
    share = np.zeros(turn.shape[:2])
    share[1, 0], share[3] = 1 / 2, 1 / 6
    np.testing.assert_allclose(np.einsum("lt,ltk->k", share, turn), 0, atol=1e-12)
    np.testing.assert_allclose(np.einsum("lt,ltk->k", share, turn**2), 1)
    assert turn[3, 2, 1] == turn[1, 0, 1] > 0 > turn[3, 0, 1] == turn[3, 1, 1]
    np.testing.assert_allclose(np.diff(turn[3, :, 0]), turn[3, 1, 0] - turn[1, 0, 0])
    # Nobody comes at all: turns alike, and nothing breaks.
    nobody = Histograms(static=found.static, length=np.array([1.0, 0, 0, 0]), visit=found.visit)
    assert np.isfinite(score_tables(BOOK, nobody, None)[0].turn).all()
    regular = score_tables(BOOK, histograms(counted=False), None)[0]
    assert not (regular.counted or regular.turn.shape[2])


def test_only_frequent_categories_but_the_most_frequent_have_a_score():
    share = np.full(62, 0.001)
    share[[5, 7, 40, 61]] = [0.5, 0.2, 0.2, 0.0399]
    table, _ = raw(BOOK.static[1], share)
    np.testing.assert_array_equal(table, np.eye(62)[:, [7, 40, 61]])  # missing is one of them


def test_no_more_than_twelve_categories_have_a_score():
    table, _ = raw(BOOK.static[1], np.full(62, 1 / 62))
    assert table.shape == (62, 12)
    assert table.sum() == 12


def test_a_static_label_has_no_scores():
    scores, _ = score_tables(BOOK, histograms(), 0)
    assert [table.shape for table in scores.static] == [(2, 0), (62, 12), (4, 1)]
    assert len(score_tables(BOOK, histograms(), 1)[0].static[0][0]) == 1


def test_ranks_follow_values_with_atoms_among_the_bins():
    # Codes: 7 and 0 are atoms; then bins around 1, 3 and 9; missing is 0, amid all.
    column = Column(type="number", bounds=(0, 10), bins=(2, 4, 8), atoms=(7.0, 0.0))
    book = field("dose", column)
    places = ranks(book)
    values = [7.0, 0.0, 1.0, 3.0, 6.0, 9.0]
    assert book.size == 7
    assert np.argsort(places[:-1]).tolist() == np.argsort(values).tolist()
    np.testing.assert_allclose(np.sort(places[:-1]), np.linspace(-1, 1, 6))
    assert places[-1] == 0


def test_a_boolean_has_two_ranks_and_one_value_alone_has_one():
    np.testing.assert_allclose(ranks(field("died", Column(type="boolean"))), [-1, 1, 0])
    lone = Column(type="number", bounds=(0, 1), bins=1, missing=False)
    assert ranks(field("one", lone)).tolist() == [-1]


def test_what_nearly_always_is_the_same_has_no_score():
    for kind, share in ((PAIN, [0.995, 0.003, 0.001, 0.001, 0.0]), (ABC, [0.995, 0.005, 0.0])):
        table, _ = raw(field("x", kind), np.array(share))
        assert table.shape == (len(share), 0)
    often = raw(field("x", PAIN), np.array([0.9, 0.095, 0.005, 0.0, 0.0]))[0]
    assert often.shape[1] == 1  # a rank; nobody is missing


def test_a_categorys_codes_together_are_as_loud_as_a_number():
    share = np.array([0.6, 0.3, 0.1])
    found = importance(field("x", ABC), share, 2)
    assert (found**2).sum() == pytest.approx(1.0)
    assert found[0] ** 2 / found[1] ** 2 == pytest.approx(0.3 * 0.7 / (0.1 * 0.9))
    assert importance(field("x", PAIN), np.full(5, 0.2), 2).tolist() == [1.0, 1.0]
