"""What is asked in the first release, and what is read of noisy answers."""

import numpy as np
import pytest
from few_columns import ABC, PAIN, SEX, Answering, grid, patients, schema

from dpsynth.data.codec import codec
from dpsynth.models.warm.questions import questions, read, smoothed, transitions
from dpsynth.privacy.query import Query, Slot

IRREGULAR = codec(schema({"sex": SEX}, {"drug": ABC, "pain": PAIN}))
GRID = codec(grid({"drug": PAIN, "pain": PAIN}, {"sex": SEX}))
BARE = codec(grid({"pain": PAIN}))


def answers(book, tokens, noise=0.0, seed=0):
    return Answering(tokens, book, noise, seed).measure("tables", questions(book))


def share(table: np.ndarray) -> np.ndarray:
    return table / table.sum()


@pytest.mark.parametrize("book", [IRREGULAR, GRID, BARE], ids=["irregular", "grid", "bare"])
def test_without_noise_what_is_read_is_what_is_there(book):
    tokens = patients(book, 400)
    found = read(book, answers(book, tokens), 1e-9)
    assert found.total == pytest.approx(400)
    slots = [Slot("static", i) for i in range(len(book.static))]
    slots += [] if book.regular else [Slot("length")]
    for table, slot in zip(found.static, slots, strict=True):
        np.testing.assert_allclose(table, share(Query((slot,)).answer(tokens, book)), atol=1e-9)
    pairs = transitions(book)
    exact = pairs.split(pairs.answer(tokens, book), book)
    for j, turns in enumerate(found.turn):
        np.testing.assert_allclose(found.step[j], share(exact[j]), atol=1e-9)
        where = (Slot("turn"), Slot("now", j)) if book.regular else (Slot("first", j),)
        wanted = Query(where).answer(tokens, book).reshape(len(turns), -1)
        np.testing.assert_allclose(turns, wanted / wanted.sum(axis=1, keepdims=True), atol=1e-9)


@pytest.mark.parametrize("book", [IRREGULAR, GRID, BARE], ids=["irregular", "grid", "bare"])
def test_noise_alone_gives_distributions_all_the_same(book):
    # Of a single patient, with noise for epsilon .01.
    found = read(book, answers(book, patients(book, 1), noise=400.0), 400.0 * 2)
    assert found.total >= 1.0
    assert np.isfinite(found.noise)
    for table in (*found.static, *found.step, *found.turn):
        assert table.min() >= 0
        assert np.isfinite(table).all()
    for table in (*found.static, *found.step):
        assert table.sum() == pytest.approx(1.0)
    for turns in found.turn:
        np.testing.assert_allclose(turns.sum(axis=1), 1.0)
    held = found.histograms(book)
    for table in (*held.static, *held.visit):
        assert table.sum() == pytest.approx(1.0)


def test_a_grid_of_one_window_without_facts_is_counted():
    # Every patient stands in each turn once: the turns' tables add up to all patients.
    book = codec(grid({"pain": PAIN}, span="6h"))
    assert (book.max_visits, book.static) == (1, ())
    found = read(book, answers(book, patients(book, 321)), 1e-9)
    assert found.total == pytest.approx(321)


def test_a_grids_size_is_that_of_all_patients_though_transitions_are_clipped():
    # Visits all alike are clipped to .65 in transitions; counted there, a third would be lost.
    book = BARE
    tokens = patients(book, 500, visit=lambda turn, now, rng: np.ones_like(now))
    assert read(book, answers(book, tokens), 1e-9).total == pytest.approx(500)


def test_no_columns_at_all_ask_nothing_of_visits():
    book = codec(schema({"sex": SEX}, {}))
    assert questions(book) == [Query((Slot("static", 0),), 0.5)]
    found = read(book, answers(book, patients(book, 50)), 1e-9)
    assert (found.step, found.turn) == ([], [])


def test_turns_without_noise_stay_as_they_are():
    rows = np.array([[10.0, 30.0], [20.0, 20.0], [40.0, 0.0]])
    np.testing.assert_allclose(smoothed(rows, 1e-9), rows / 40)


def test_turns_of_noise_alone_become_all_alike():
    # Mean 100 a cell, noise 5: true turns are all alike; what is left is at most the noise's.
    rng = np.random.default_rng(0)
    rows = 100.0 + 5.0 * rng.normal(size=(40, 6))
    raw = rows / rows.sum(axis=1, keepdims=True)
    found = smoothed(rows, 5.0)
    assert np.abs(found - 1 / 6).max() < 0.02 < np.abs(raw - 1 / 6).max()
    # All of the variance is noise's: nothing is left of it.
    np.testing.assert_allclose(smoothed(rows, 50.0), np.tile(found.mean(0), (40, 1)), atol=2e-3)


def test_turns_are_shrunk_by_the_share_that_is_noise():
    # Departures -6, 0, 6: variance 36. Noise 3 explains 9 of it, so 3/4 are left of each.
    rows = np.array([[94.0, 100.0], [100.0, 100.0], [106.0, 100.0]])
    left = np.array([[95.5, 100.0], [100.0, 100.0], [104.5, 100.0]])
    np.testing.assert_allclose(smoothed(rows, 3.0), left / left.sum(axis=1, keepdims=True))


def test_scores_are_standardised_by_the_average_patients_visits():
    # First visits differ from later ones; patients with a single visit have first ones alone.
    def visit(turn, now, rng):
        return rng.choice(3, p=[0.8, 0.1, 0.1] if turn == 0 else [0.2, 0.4, 0.4], size=now.shape)

    book = codec(schema({}, {"drug": ABC}, visits=2))
    tokens = patients(book, 30_000, visit=visit)
    held = read(book, answers(book, tokens), 1e-9).histograms(book)
    wanted = share(Query((Slot("now", 0),)).answer(tokens, book))
    np.testing.assert_allclose(held.visit[0], wanted, atol=0.02)
    assert held.visit[0][0] == pytest.approx((0.8 + 0.5) / 2, abs=0.02)
