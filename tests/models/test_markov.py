"""Noisy tables made usable, and chains drawn from them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpsynth.data.codec import PAD, Codec, Tokens
from dpsynth.data.field import Field
from dpsynth.models.markov import Markov
from dpsynth.models.tables import cleaned, conditional, draw
from dpsynth.models.workload import markov_workload
from dpsynth.schema import Column


def test_cleaning_worked_by_hand():
    # Total 9, shifted by 1 so that what is left above 0 is 9 again: 7 + 2 + 0 + 0.
    np.testing.assert_allclose(cleaned(np.array([8.0, 3.0, -1.0, -1.0]), 0.5), [7 / 9, 2 / 9, 0, 0])
    # Nothing to cut: only normalised.
    np.testing.assert_allclose(cleaned(np.array([[1.0, 3.0]]), 0.1), [[0.25, 0.75]])
    # Less than the noise in all: nothing is known.
    np.testing.assert_allclose(cleaned(np.array([0.4, -0.3]), 0.5), [0.5, 0.5])


@settings(max_examples=100, deadline=None)
@given(noisy=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=12), sd=st.floats(1e-3, 1e3))
def test_cleaning_gives_a_distribution_in_the_same_order(noisy, sd):
    table = np.array(noisy)
    found = cleaned(table, sd)
    assert found.min() >= 0
    assert found.sum() == pytest.approx(1)
    order = np.argsort(table, kind="stable")
    assert (np.diff(found[order]) >= -1e-9).all()


def test_cleaning_survives_what_is_no_number():
    np.testing.assert_allclose(cleaned(np.array([np.nan, 1.0]), 1.0), [0.5, 0.5])


def test_conditioning_worked_by_hand():
    joint = np.array([[0.3, 0.1], [0.0, 0.0], [0.1, 0.5]])
    # Without prior: rows over their sums. Pooled: .4, .6, which the empty row falls back on.
    found = conditional(joint[[0, 2]], 1, 1e-12)
    np.testing.assert_allclose(found, [[0.75, 0.25], [1 / 6, 5 / 6]], rtol=1e-6)
    np.testing.assert_allclose(conditional(joint, 1, 1e-12)[1], [0.4, 0.6])
    # With prior .4: (.3 + .16) / .8, (.1 + .24) / .8.
    np.testing.assert_allclose(conditional(joint, 1, 0.4)[0], [0.575, 0.425])
    # On two axes, of three.
    cube = np.ones((2, 2, 3)) / 12
    np.testing.assert_allclose(conditional(cube, 2, 0.1), np.full((2, 2, 3), 1 / 3))
    np.testing.assert_allclose(conditional(np.zeros((2, 4)), 1, 0.1), np.full((2, 4), 0.25))


def test_drawing_follows_each_row():
    rng, rows = np.random.default_rng(0), np.array([[1.0, 0, 0], [0, 0, 1.0], [0.2, 0.5, 0.3]])
    assert draw(rows[:2].repeat(1000, 0), rng).tolist() == [0] * 1000 + [2] * 1000
    shares = np.bincount(draw(rows[2:].repeat(40_000, 0), rng)) / 40_000
    np.testing.assert_allclose(shares, rows[2], atol=0.02)
    # A row that falls short of 1 by rounding still gives its last code, not one past it.
    assert draw(np.array([[0.0, 1 - 1e-9]]).repeat(1000, 0), rng).max() == 1


def field(name: str, size: int) -> Field:
    categories = tuple("abcdef"[:size])
    column = Column(type="category", categories=categories, missing=False)
    return Field(name=name, column=column, categories=categories)


def book(*, regular: bool = False, visits: int = 5) -> Codec:
    return Codec(
        static=(field("died", 2), field("sex", 2)),
        visit=(field("state", 3),) if visits else (),
        max_visits=visits,
        regular=regular,
    )


START = np.array([[0.8, 0.2, 0.0], [0.1, 0.1, 0.8]])
STEP = np.array(
    [
        [[0.9, 0.1, 0.0], [0.5, 0.4, 0.1], [0.2, 0.2, 0.6]],
        [[0.2, 0.8, 0.0], [0.0, 0.3, 0.7], [0.1, 0.0, 0.9]],
    ]
)
SEX = np.array([[0.5, 0.5], [0.1, 0.9]])


def chains(n: int, seed: int = 0) -> Tokens:
    """Patients of known law: died is a coin of .3; sex, length and states follow it."""
    rng = np.random.default_rng(seed)
    died = (rng.random(n) < 0.3).astype(np.int64)
    length = np.where(died, rng.integers(1, 4, n), rng.integers(0, 6, n))
    visits = np.full((n, 5, 1), PAD)
    now = draw(START[died], rng)
    for t in range(5):
        visits[:, t, 0] = np.where(t < length, now, PAD)
        now = draw(STEP[died, now], rng)
    static = np.stack([died, draw(SEX[died], rng)], 1)
    return Tokens(
        static=static.astype(np.int16),
        visits=visits.astype(np.int16),
        length=length.astype(np.int16),
    )


def fitted(tokens: Tokens, codec: Codec, given: int | None, noise_sd: float = 1e-3) -> Markov:
    queries = markov_workload(codec, given)
    rng = np.random.default_rng(5)
    answers = [q.answer(tokens, codec) for q in queries]
    answers = [a + rng.normal(0, noise_sd, a.shape) for a in answers]
    return Markov(codec, given, queries, answers, noise_sd)


def test_the_chain_recovers_a_known_law():
    made = fitted(chains(60_000), book(), 0).sample(60_000, np.random.default_rng(1))
    died = made.static[:, 0].astype(int)
    assert died.mean() == pytest.approx(0.3, abs=0.01)  # though who never came never died
    for kind in (0, 1):
        mine = made.take(np.flatnonzero(died == kind))
        np.testing.assert_allclose(
            np.bincount(mine.static[:, 1], minlength=2) / len(mine), SEX[kind], atol=0.02
        )
        came = mine.take(np.flatnonzero(mine.length > 0))
        np.testing.assert_allclose(
            np.bincount(came.visits[:, 0, 0], minlength=3) / len(came), START[kind], atol=0.02
        )
        pairs = np.zeros((3, 3))
        for t in range(4):
            both = mine.length > t + 1
            np.add.at(pairs, (mine.visits[both, t, 0], mine.visits[both, t + 1, 0]), 1)
        np.testing.assert_allclose(pairs / pairs.sum(1, keepdims=True), STEP[kind], atol=0.03)
    assert (np.bincount(made.length[died == 1], minlength=6) > 0).tolist() == [
        False, True, True, True, False, False,
    ]  # fmt: skip


def test_samples_are_tokens_of_the_code_book():
    for codec, label in ((book(), 0), (book(), None), (book(visits=1), 1), (book(visits=0), 0)):
        tokens = chains(500)
        tokens = Tokens(
            static=tokens.static,
            visits=tokens.visits[:, : codec.max_visits, : len(codec.visit)],
            length=np.minimum(tokens.length, codec.max_visits),
        )
        made = fitted(tokens, codec, label, noise_sd=30.0).sample(300, np.random.default_rng(1))
        assert made.static.shape == (300, 2)
        assert made.visits.shape == (300, codec.max_visits, len(codec.visit))
        inside = np.arange(codec.max_visits)[None] < made.length[:, None]
        assert (made.visits[~inside] == PAD).all()
        assert (made.visits[inside] >= 0).all()
        assert (made.visits < 3).all()
        assert {each.dtype for each in made.arrays.values()} == {np.dtype(np.int16)}


def test_a_grid_is_always_full():
    codec = book(regular=True)
    assert not any("length" in str(q) for q in markov_workload(codec, 0))
    made = fitted(chains(500), codec, 0).sample(50, np.random.default_rng(1))
    assert made.length.tolist() == [5] * 50
    assert (made.visits >= 0).all()


def test_what_is_asked_for_is_fixed_and_reweighs_the_label():
    floor = fitted(chains(60_000), book(), 0)
    rng = np.random.default_rng(1)
    assert (floor.sample(200, rng, {0: 1}).static[:, 0] == 1).all()
    women = floor.sample(20_000, rng, {1: 0})
    assert (women.static[:, 1] == 0).all()
    # Bayes: .3 x .1 of .3 x .1 + .7 x .5.
    assert women.static[:, 0].mean() == pytest.approx(0.03 / 0.38, abs=0.01)
    both = floor.sample(50, rng, {0: 1, 1: 0}).static
    assert both.tolist() == [[1, 0]] * 50


def test_what_was_lost_in_the_noise_can_still_be_asked_for():
    codec = book(visits=0)
    queries = markov_workload(codec, 0)
    floor = Markov(codec, 0, queries, [np.array([[50.0, -9.0], [50.0, -9.0]])], 1.0)
    assert floor.sample(20, np.random.default_rng(0), {1: 1}).static[:, 1].tolist() == [1] * 20


def test_the_workload_is_chosen_from_the_schema_alone():
    def named(queries) -> list[str]:
        return [" ".join(f"{s.where}{s.column}" for s in q.slots) for q in queries]

    assert named(markov_workload(book(), 0)) == [
        "static0 length0", "static0 static1", "static0 first0", "static0 now0 next0",
    ]  # fmt: skip
    assert named(markov_workload(book(visits=1), None)) == [
        "length0", "static0", "static1", "first0",
    ]  # fmt: skip
    lone = Codec(static=(field("died", 2),), visit=(), max_visits=0)
    assert named(markov_workload(lone, 0)) == ["static0"]
