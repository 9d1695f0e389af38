"""Records to tokens and back: public bins, one patient at a time, nothing lost but detail."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpsynth.data.codec import GAP, PAD, START, Codec, codec
from dpsynth.data.field import MISSING, Field, field
from dpsynth.data.records import Records
from dpsynth.errors import SchemaError
from dpsynth.schema import Clock, Column, Schema, Table

COLUMNS = {
    "number": Column(type="number", bounds=(0, 10), bins=5),
    "inner edges": Column(type="number", bounds=(0, 10), bins=(1.0, 7.5)),
    "log": Column(type="number", bounds=(0, 1e5), bins=6, scale="log"),
    "log over zero": Column(type="number", bounds=(-100, 1000), bins=7, scale="log"),
    "atoms": Column(type="number", bounds=(0, 10), bins=4, atoms=(0.0, 10.0)),
    "count": Column(type="count", bounds=(0, 10), bins=4),
    "small count": Column(type="count", bounds=(0, 3), bins=16),
    "count of atoms": Column(type="count", bounds=(0, 100), bins=5, atoms=(0.0, 100.0)),
    "log count": Column(type="count", bounds=(0, 5000), bins=8, scale="log"),
    "category": Column(type="category", categories=("a", "b")),
    "open": Column(type="category", categories=("a", "b"), other=True),
    "sure": Column(type="category", categories=("a", "b"), missing=False),
    "boolean": Column(type="boolean"),
}
NUMERIC = [name for name, c in COLUMNS.items() if c.type in ("number", "count")]


@pytest.mark.parametrize("name", COLUMNS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_value_drawn_for_a_code_encodes_to_that_code(name, seed):
    book = field(name, COLUMNS[name])
    codes = np.arange(book.size).repeat(40)
    drawn = book.decode(codes, np.random.default_rng(seed))
    found = book.encode(drawn)
    if name == "log":  # a draw may fall on an edge by rounding
        assert (found != codes).mean() < 0.01
    else:
        np.testing.assert_array_equal(found, codes)


@pytest.mark.parametrize("name", NUMERIC)
def test_numbers_stay_inside_their_bounds_and_counts_are_whole(name):
    book, column = field(name, COLUMNS[name]), COLUMNS[name]
    drawn = book.decode(np.arange(book.size - 1).repeat(300), np.random.default_rng(0))
    low, high = column.bounds
    assert drawn.min() >= low
    assert drawn.max() <= high
    if column.type == "count":
        assert (drawn % 1 == 0).all()
        assert column.scale == "log" or {low, high} <= set(drawn)


@pytest.mark.parametrize("name", COLUMNS)
def test_every_code_has_one_label(name):
    book = field(name, COLUMNS[name])
    assert len(book.labels) == book.size == len(set(book.labels))
    assert (book.labels[-1] == MISSING) == COLUMNS[name].missing


ANY = [0.0, -0.0, 9.99, 10.0, 1e20, -1e20, np.inf, -np.inf, 5e-324, 1e308, np.nan]


@pytest.mark.parametrize("name", NUMERIC)
def test_any_number_has_a_code(name):
    for missing in (True, False):
        book = field(name, COLUMNS[name].model_copy(update={"missing": missing}))
        codes = book.encode(pd.Series(ANY))
        assert codes.dtype == np.int16
        assert codes.min() >= 0
        assert codes.max() < book.size
        assert codes[-1] == (book.size - 1 if missing else 0)
        assert codes[4] == codes[6] == codes[9]  # too large: all in the last bin
        assert codes[5] == codes[7]  # too small


def test_bins_worked_by_hand():
    # Edges 0, 2, 4, 6, 8, 10; closed on the left, the last one on both sides; 5 is missing.
    book = field("number", COLUMNS["number"])
    values = pd.Series([0.0, 1.9, 2.0, 9.0, 10.0, 11.0, -1.0, np.nan])
    assert book.encode(values).tolist() == [0, 0, 1, 4, 4, 4, 0, 5]
    # Counts 0 to 10 in four: edges at whole numbers 0, 2, 5, 8, 10 (2.5 and 7.5 round to even).
    assert field("count", COLUMNS["count"]).edges == (0.0, 2.0, 5.0, 8.0, 10.0)
    # An atom is a code of its own, before the bins.
    atoms = field("atoms", COLUMNS["atoms"])
    assert atoms.encode(pd.Series([0.0, 10.0, 0.1, 9.9, np.nan])).tolist() == [0, 1, 2, 5, 6]
    assert atoms.labels[:3] == ["0", "10", "[0, 2.5)"]


def test_unseen_categories_are_other_or_missing_and_never_an_error():
    seen = pd.Series(["a", "b", "never heard of", None, np.nan], dtype=object)
    assert field("x", COLUMNS["category"]).encode(seen).tolist() == [0, 1, 2, 2, 2]
    assert field("x", COLUMNS["open"]).encode(seen).tolist() == [0, 1, 2, 3, 3]
    assert field("x", COLUMNS["sure"]).encode(seen).tolist() == [0, 1, 0, 0, 0]


@pytest.mark.parametrize(
    ("column", "lacks"),
    [
        (Column(type="category", private=True), "categories"),
        (Column(type="number", private=True), "bounds"),
    ],
)
def test_a_column_without_public_values_has_no_code_book(column, lacks):
    with pytest.raises(SchemaError, match=f"'x' lacks {lacks}"):
        field("x", column)


def clinic(*, kind: str = "number", gap: bool = True, start: bool = True) -> Codec:
    amounts = Column(type="number", bounds=(0, 100), bins=10)
    clock = Clock(column="day", kind=kind, gap=amounts if gap else None)
    clock = clock.model_copy(update={"start": amounts if start else None})
    visits = {"pain": Column(type="count", bounds=(0, 9), bins=10, missing=False)}
    statics = {"sex": Column(type="category", categories=("f", "m"))}
    return codec(
        Schema(
            name="clinic",
            max_visits=3,
            tables={
                "patients": Table(shape="static", key="id", columns=statics),
                "visits": Table(shape="visits", key="id", time=clock, columns=visits),
            },
        )
    )


FOUR = Records(
    np.array(["a", "b", "c", "d"], dtype=object),
    pd.DataFrame({"sex": np.array(["f", "m", None, "f"], dtype=object)}),
    pd.DataFrame(
        {
            "patient": [0, 0, 1, 3, 3, 3, 3],
            "time": [5.0, 35.0, 95.0, 0.0, 1.0, 2.0, 3.0],
            "pain": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
        }
    ),
)


def test_four_patients_worked_by_hand():
    tokens = clinic().encode(FOUR)
    # (start), sex: patient 2 has no visit, so no start (10 is missing).
    assert tokens.static.tolist() == [[0, 0], [9, 1], [10, 2], [0, 0]]
    assert tokens.length.tolist() == [2, 1, 0, 3]  # the fourth visit of patient 3 is cut
    nothing = [PAD, PAD]
    assert tokens.visits.tolist() == [
        [[0, 1], [3, 2], nothing],  # a gap of 30 days; the first visit's gap means nothing
        [[0, 3], nothing, nothing],
        [nothing, nothing, nothing],
        [[0, 4], [0, 5], [0, 6]],
    ]


def test_tokens_come_back_as_records_of_the_same_tokens():
    books = clinic()
    tokens = books.encode(FOUR)
    again = books.decode(tokens, np.random.default_rng(0))
    assert again.visits["patient"].tolist() == [0, 0, 1, 3, 3, 3]
    for one, other in zip(tokens.arrays.values(), books.encode(again).arrays.values(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_times_add_up_from_start_and_gaps():
    again = clinic().decode(clinic().encode(FOUR), np.random.default_rng(0)).visits
    first, second = again["time"][:2]
    assert 0 <= first < 10
    assert 30 <= second - first < 40
    # Without start and gaps, times are 0, 1, 2.
    plain = clinic(kind="order", gap=False, start=False)
    assert [each.name for each in (*plain.static, *plain.visit)] == ["sex", "pain"]
    assert plain.decode(plain.encode(FOUR), np.random.default_rng(0)).visits["time"].tolist() == [
        0, 1, 0, 0, 1, 2,
    ]  # fmt: skip


def test_the_clock_has_fields_of_its_own_that_are_never_missing_in_a_visit():
    books = clinic()
    assert [each.name for each in books.static] == [START, "sex"]
    assert [each.name for each in books.visit] == [GAP, "pain"]
    assert not books.visit[0].column.missing


def test_nobody_and_static_data_encode_to_empty_tokens_of_the_right_shape():
    none = clinic().encode(FOUR.take(np.zeros(0, dtype=np.int64)))
    assert (none.static.shape, none.visits.shape, len(none)) == ((0, 2), (0, 3, 2), 0)
    back = clinic().decode(none, np.random.default_rng(0))
    assert list(back.visits.columns) == ["patient", "time", "pain"]
    static = codec(
        Schema(
            name="x",
            tables={"t": Table(shape="static", key="id", columns={"n": COLUMNS["number"]})},
        )
    )
    assert static.max_visits == 0
    lone = Records(
        np.array(["a"]), pd.DataFrame({"n": [3.0]}), pd.DataFrame({"patient": [], "time": []})
    )
    tokens = static.encode(lone)
    assert (tokens.static.tolist(), tokens.visits.shape) == ([[1]], (1, 0, 0))
    assert 2 <= static.decode(tokens, np.random.default_rng(0)).static["n"][0] < 4


history = st.lists(
    st.tuples(st.sampled_from([0.0, 3.0, 50.0, 1e20]), st.sampled_from([0.0, 9.0, np.nan, np.inf])),
    max_size=5,
)


@settings(max_examples=60, deadline=None)
@given(histories=st.lists(history, min_size=1, max_size=5))
def test_a_patients_tokens_are_a_function_of_that_patient_alone(histories):
    who = np.repeat(np.arange(len(histories)), [len(h) for h in histories])
    times = np.concatenate([np.cumsum([gap for gap, _ in h]) for h in histories])
    pains = np.array([pain for h in histories for _, pain in h], dtype=np.float64)
    visits = pd.DataFrame({"patient": who.astype(np.int64), "time": times, "pain": pains})
    sex = np.array(["f", "m", None, "x", "f"], dtype=object)[: len(histories)]
    keys = np.array(list("abcde"), dtype=object)[: len(histories)]
    records, books = Records(keys, pd.DataFrame({"sex": sex}), visits), clinic()
    together = books.encode(records)
    for patient in range(len(histories)):
        alone = books.encode(records.take(np.array([patient])))
        for one, other in zip(alone.arrays.values(), together.arrays.values(), strict=True):
            np.testing.assert_array_equal(one[0], other[patient])
    for place, each in enumerate(books.static):
        assert together.static[:, place].max() < each.size
    for place, each in enumerate(books.visit):
        inside = np.arange(3) < together.length[:, None]
        assert (together.visits[inside][:, place] < each.size).all()
        assert (together.visits[inside][:, place] >= 0).all()
        assert (together.visits[~inside] == PAD).all()


def test_found_code_books_replace_private_columns():
    column = Column(type="number", private=True)
    schema = Schema(name="x", tables={"t": Table(shape="static", key="id", columns={"n": column})})
    with pytest.raises(SchemaError):
        codec(schema)
    found = {"n": Field(name="n", column=column, edges=(0.0, 1.0, 5.0))}
    assert codec(schema, found).static[0].size == 3
