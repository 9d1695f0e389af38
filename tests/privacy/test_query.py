"""Tables weigh every patient once, whoever they are."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpsynth.data.codec import PAD, Codec, Tokens
from dpsynth.data.field import Field
from dpsynth.errors import BudgetError
from dpsynth.privacy.query import Query, Slot, joint_sensitivity
from dpsynth.schema import Column

VISITS, SEX, PAIN, DRUG = 3, 2, 3, 2


def named(name: str, size: int) -> Field:
    categories = tuple("abcdef"[:size])
    column = Column(type="category", categories=categories, missing=False)
    return Field(name=name, column=column, categories=categories)


CODEC = Codec(
    static=(named("sex", SEX),),
    visit=(named("pain", PAIN), named("drug", DRUG)),
    max_visits=VISITS,
)


def tokens_of(patients: list[tuple[int, list[tuple[int, int]]]]) -> Tokens:
    visits = np.full((len(patients), VISITS, 2), PAD, dtype=np.int16)
    for place, (_, rows) in enumerate(patients):
        visits[place, : len(rows)] = np.array(rows, dtype=np.int16).reshape(-1, 2)
    return Tokens(
        static=np.array([[sex] for sex, _ in patients], dtype=np.int16).reshape(-1, 1),
        visits=visits,
        length=np.array([len(rows) for _, rows in patients], dtype=np.int16),
    )


# Sex, then (pain, drug) of each visit. The last one never came.
FOUR = tokens_of([(0, [(0, 0), (1, 0), (2, 1)]), (1, [(2, 1)]), (1, [(1, 0), (1, 1)]), (0, [])])
VISIT_SLOTS = [
    Slot(where, column) for where in ("now", "next", "first", "last") for column in (0, 1)
]
SLOTS = [Slot("static", 0), Slot("length"), Slot("turn"), *VISIT_SLOTS]


@pytest.mark.parametrize(
    ("slots", "table"),
    [
        # Two of each sex.
        ([Slot("static", 0)], [2, 2]),
        # 0, 1, 2, 3 visits: one patient each.
        ([Slot("length")], [1, 1, 1, 1]),
        # Women have 3 and 0 visits, men 1 and 2.
        ([Slot("static", 0), Slot("length")], [[1, 0, 0, 1], [0, 1, 1, 0]]),
        # First visits with pain 0, 2, 1; who never came has none.
        ([Slot("first", 0)], [1, 1, 1]),
        # Last visits with pain 2, 2, 1.
        ([Slot("last", 0)], [0, 1, 2]),
        ([Slot("first", 0), Slot("last", 0)], [[0, 0, 1], [0, 1, 0], [0, 0, 1]]),
        # Thirds of patient 1 at 0, 1, 2; all of patient 2 at 2; halves of patient 3 at 1, 1.
        ([Slot("now", 0)], [1 / 3, 1 / 3 + 1, 1 / 3 + 1]),
        # Patient 1 spreads over three turns, patient 3 over two.
        ([Slot("turn")], [1 / 3 + 1 + 1 / 2, 1 / 3 + 1 / 2, 1 / 3]),
        # Pairs: 0-1 and 1-2 of patient 1 (halves), 1-1 of patient 3 (whole); others have none.
        ([Slot("now", 0), Slot("next", 0)], [[0, 1 / 2, 0], [0, 1, 1 / 2], [0, 0, 0]]),
        ([Slot("static", 0), Slot("next", 1)], [[1 / 2, 1 / 2], [0, 1]]),
        # With a visit's column beside it, a static fact counts once per patient who came.
        ([Slot("static", 0), Slot("first", 1)], [[1, 0], [1, 1]]),
        ([Slot("length"), Slot("first", 1)], [[0, 0], [0, 1], [1, 0], [1, 0]]),
    ],
)
def test_four_patients_worked_by_hand(slots, table):
    np.testing.assert_allclose(Query(tuple(slots)).answer(FOUR, CODEC), table)
    assert Query(tuple(slots)).shape(CODEC) == np.shape(table)


def test_nobody_gives_an_empty_table_of_the_same_shape():
    for slot in SLOTS:
        table = Query((slot,)).answer(tokens_of([]), CODEC)
        assert table.shape == (slot.size(CODEC),)
        assert not table.any()


patient = st.tuples(
    st.integers(0, SEX - 1),
    st.lists(st.tuples(st.integers(0, PAIN - 1), st.integers(0, DRUG - 1)), max_size=VISITS),
)


@settings(max_examples=150, deadline=None)
@given(
    patients=st.lists(patient, min_size=1, max_size=6),
    slots=st.lists(st.sampled_from(SLOTS), min_size=1, max_size=3, unique=True),
    data=st.data(),
)
def test_any_patient_moves_any_table_by_at_most_1(patients, slots, data):
    gone = data.draw(st.integers(0, len(patients) - 1))
    tokens, query = tokens_of(patients), Query(tuple(slots))
    rest = tokens.take(np.delete(np.arange(len(patients)), gone))
    moved = query.answer(tokens, CODEC) - query.answer(rest, CODEC)
    assert np.abs(moved).sum() <= 1 + 1e-12
    assert moved.min() >= -1e-12
    alone = query.answer(tokens.take(np.array([gone])), CODEC)
    np.testing.assert_allclose(moved, alone, atol=1e-12)  # nobody else's weight moves


def every_patient() -> list[tuple[int, list[tuple[int, int]]]]:
    """All records of at most two visits over these codes, and of three of one kind."""
    cells = list(itertools.product(range(PAIN), range(DRUG)))
    histories = [list(h) for length in (0, 1, 2) for h in itertools.product(cells, repeat=length)]
    return [(sex, h) for sex in range(SEX) for h in [*histories, *([c] * 3 for c in cells)]]


def test_the_joint_sensitivity_holds_and_is_reached():
    # Brute force: every record alone, under unequal weights.
    queries = [
        Query((Slot("static", 0),), weight=2.0),
        Query((Slot("static", 0), Slot("now", 0), Slot("next", 0)), weight=0.5),
        Query((Slot("last", 1), Slot("length")), weight=1.5),
        Query((Slot("turn"), Slot("now", 1))),
    ]
    sensitivity = joint_sensitivity(queries)
    assert sensitivity == pytest.approx(math.sqrt(4 + 0.25 + 2.25 + 1))
    norms = []
    for each in every_patient():
        tokens = tokens_of([each])
        scaled = [(q.weight * q.answer(tokens, CODEC)).ravel() for q in queries]
        norms.append(np.linalg.norm(np.concatenate(scaled)))
    assert max(norms) <= sensitivity + 1e-12
    # Nearly tight: only the two turns of a pair keep the last table from norm 1.
    assert max(norms) > 0.95 * sensitivity


@pytest.mark.parametrize("weight", [0.0, -1.0, math.inf, math.nan])
def test_a_weight_that_would_hide_a_table_from_the_noise_is_refused(weight):
    with pytest.raises(BudgetError, match="weight"):
        joint_sensitivity([Query((Slot("length"),)), Query((Slot("turn"),), weight=weight)])


@pytest.mark.parametrize("weight", [5e-324, 1e-200, 1e-3, 1.0, 1e150, 1e300])
def test_no_weight_is_so_small_that_the_sensitivity_vanishes(weight):
    # Squared, 1e-200 is 0, and noise of 0 would be the exact table.
    queries = [Query((Slot("length"),), weight=weight)] * 4
    assert joint_sensitivity(queries) / weight == pytest.approx(2.0)
