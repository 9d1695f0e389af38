"""Conditions: which codes a range allows, and who is kept so that the law stays the model's."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.data.codec import Tokens, codec
from dpsynth.data.field import field
from dpsynth.errors import InputError
from dpsynth.pipeline.conditions import Place, balanced, cells, conditions, even_parts
from dpsynth.schema import Column, Schema

BOOK = codec(
    Schema(
        name="people",
        tables={"people": {"shape": "static", "key": "pid", "columns": {
            "age": {"type": "number", "bounds": [0, 100], "bins": 10},
            "sex": {"type": "category", "categories": ["f", "m"], "other": True},
            "ill": {"type": "boolean", "missing": False},
            "HbA1c now": {"type": "category", "categories": ["None", ">7", ">=8", "a=b"]},
            "visits": {"type": "count", "bounds": [0, 20], "bins": [1, 5, 10], "atoms": [0]},
        }}},
    )
)  # fmt: skip


def people(*rows: tuple[int, ...]) -> Tokens:
    n = len(rows)
    return Tokens(
        static=np.array(rows, dtype=np.int16),
        visits=np.zeros((n, 0, 0), dtype=np.int16),
        length=np.zeros(n, dtype=np.int16),
    )


@pytest.mark.parametrize(
    ("where", "codes", "within"),
    [
        ([], {}, {}),
        (["sex=m"], {1: (1,)}, {}),
        ([" sex = other ", "ill=true"], {1: (2,), 2: (1,)}, {}),
        (["HbA1c now=>7"], {3: (1,)}, {}),
        (["HbA1c now=>=8"], {3: (2,)}, {}),
        (["HbA1c now=a=b"], {3: (3,)}, {}),
        (["age=65"], {0: (6,)}, {}),
        (["age>=65"], {0: (6, 7, 8, 9)}, {"age": (65, np.inf)}),
        (["age>=80"], {0: (8, 9)}, {"age": (80, np.inf)}),
        (["age>80", "age < 90"], {0: (8,)}, {"age": (np.nextafter(80, 99), np.nextafter(90, 0))}),
        (["age<=20"], {0: (0, 1)}, {"age": (-np.inf, 20)}),
        (["age>=62", "age<65", "age>61"], {0: (6,)}, {"age": (62, np.nextafter(65, 0))}),
        (["age=65", "age>62"], {0: (6,)}, {"age": (np.nextafter(62, 99), np.inf)}),
        (["age>=42", "age<=42"], {0: (4,)}, {"age": (42, 42)}),
        (["age>=100"], {0: (9,)}, {"age": (100, np.inf)}),
        (["visits<1"], {4: (0, 1)}, {"visits": (-np.inf, np.nextafter(1, 0))}),
        (["visits>0.5"], {4: (2, 3, 4)}, {"visits": (np.nextafter(0.5, 1), np.inf)}),
        (["visits>4", "visits<6"], {4: (3,)}, {"visits": (np.nextafter(4, 9), np.nextafter(6, 0))}),
    ],
)
def test_what_a_condition_allows(where, codes, within):
    found = conditions(where, BOOK)
    assert (dict(found.codes), dict(found.within)) == (codes, within)
    assert found.fixed == {place: each[0] for place, each in codes.items() if len(each) == 1}


@pytest.mark.parametrize(
    ("where", "told"),
    [
        (["sex"], "column=value or column>=number"),
        (["=m"], "column=value or column>=number"),
        (["age>="], "holds numbers, got '='"),
        (["weight=3"], "per-patient column (age, sex"),
        (["sex>f"], "has categories, not a range"),
        (["sex=x"], "f, m, other"),
        (["age>old"], "holds numbers, got 'old'"),
        (["age>nan"], "holds numbers, got 'nan'"),
        (["age<inf"], "holds numbers, got 'inf'"),
        (["age=65", "age=66"], "two conditions on column 'age'"),
        (["age>100"], "nobody can meet"),
        (["age<0"], "nobody can meet"),
        (["age>50", "age<40"], "nobody can meet"),
        (["age=65", "age<50"], "nobody can meet"),
        (["visits>5", "visits<6"], "nobody can meet"),
    ],
)
def test_a_condition_that_makes_no_sense_is_one_line(where, told):
    with pytest.raises(InputError) as caught:
        conditions(where, BOOK)
    assert told in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "column",
    [
        Column(type="number", bounds=(-5, 50), bins=(0, 3.5, 9), atoms=(0, 2)),
        Column(type="number", bounds=(0, 1000), bins=6, scale="log"),
        Column(type="count", bounds=(0, 30), bins=(1, 2, 10)),
        Column(type="count", bounds=(0, 1000), bins=6, scale="log", atoms=(0, 7)),
    ],
)
def test_allowed_bins_are_those_that_draw_values_in_the_range(column):
    rng = np.random.default_rng(0)
    book = field("x", column)
    drawn = [book.decode(np.full(3000, code), rng).to_numpy() for code in range(book.size - 1)]
    for _ in range(60):
        low, high = np.sort(rng.uniform(-2, 40, 2))
        some = {c for c, values in enumerate(drawn) if ((values >= low) & (values <= high)).any()}
        allowed = set(book.codes_in(low, high))
        assert some <= allowed
        for code in allowed - some:  # such a small part that 3,000 draws missed it
            again = book.decode(np.full(50, code), rng, (low, high)).to_numpy()
            assert ((again >= low) & (again <= high)).all()


def test_a_cut_bin_keeps_its_share_of_patients():
    # Age>=65 cuts [60, 70) in half; nobody below, all above, missing never.
    given = conditions(["age>=65"], BOOK)
    rows = [(6, 0, 0, 0, 0)] * 20_000 + [(5, 0, 0, 0, 0)] * 100 + [(7, 0, 0, 0, 0)] * 100
    kept = given.met(people(*rows, (10, 0, 0, 0, 0)), BOOK, np.random.default_rng(0))
    # Binomial(20,000, 1/2): sd 0.0035; 6 sd, false alarm 2e-9.
    assert kept[:20_000].mean() == pytest.approx(0.5, abs=6 * 0.0035)
    assert not kept[20_000:20_100].any() and kept[20_100:20_200].all() and not kept[-1]


def test_a_range_inside_one_bin_keeps_everyone_in_it():
    given = conditions(["age>=65", "age<66"], BOOK)
    made = people(*[(6, 0, 0, 0, 0)] * 50, (7, 0, 0, 0, 0))
    kept = given.met(made, BOOK, np.random.default_rng(0))
    assert kept[:50].all() and not kept[50]
    values = BOOK.decode(made.take(np.arange(50)), np.random.default_rng(1), given.within)
    assert given.inside(values).all()


def test_balance_takes_all_categories_but_missing():
    none = conditions([], BOOK)
    assert balanced("sex", BOOK, none) == (Place(False, 1), [(0,), (1,), (2,)])
    assert balanced("ill", BOOK, none) == (Place(False, 2), [(0,), (1,)])
    for column, told in (("age", "holds numbers"), ("nothing", "needs a per-patient column")):
        with pytest.raises(InputError, match=told):
            balanced(column, BOOK, none)
    with pytest.raises(InputError, match="has a condition"):
        balanced("sex", BOOK, conditions(["sex=f"], BOOK))


def test_groups_that_are_named_are_balanced_and_ranges_are_groups():
    none = conditions([], BOOK)
    age = BOOK.static[0]
    cut = f"{age.edges[2]:g}"
    place, groups = balanced(f"age:..{cut},{cut}..", BOOK, none)
    assert place == Place(False, 0)
    assert [len(each) for each in groups] == [2, len(age.edges) - 3]
    assert sorted(code for each in groups for code in each) == list(range(len(age.edges) - 1))
    first, *others = BOOK.static[1].categories
    asked = f"sex:{first},{'|'.join(others)}"
    assert balanced(asked, BOOK, none)[1] == [(0,), tuple(range(1, len(others) + 1))]
    for asked, told in (
        (f"age:..{cut},..", "must not meet"),
        ("age:..1.5", "edges of the column's bins"),
        ("sex:nobody", "got 'nobody'"),
    ):
        with pytest.raises(InputError, match=told):
            balanced(asked, BOOK, none)


def test_every_intersection_is_a_cell_of_its_own():
    found = cells(["sex", "ill"], BOOK, conditions(["age>=20"], BOOK))
    pairs = [(each.codes[1], each.codes[2]) for each in found]
    assert pairs == [((s,), (i,)) for s in (0, 1, 2) for i in (0, 1)]
    assert all(each.within == found[0].within for each in found)
    assert cells([], BOOK, conditions([], BOOK)) == [conditions([], BOOK)]
    with pytest.raises(InputError, match="has a condition"):
        cells(["sex", "sex"], BOOK, conditions([], BOOK))


def test_a_group_of_several_categories_keeps_those_alone():
    given = conditions([], BOOK).and_codes(Place(False, 1), (0, 2))
    made = people(*[(3, code, 0, 0, 0) for code in range(3)])
    assert given.met(made, BOOK, np.random.default_rng(0)).tolist() == [True, False, True]
    assert given.fixed == {}


def test_shares_differ_by_one_at_most_and_who_gets_it_is_drawn():
    seen = set()
    for seed in range(60):
        parts = even_parts(11, 3, np.random.default_rng(seed))
        assert parts.sum() == 11 and sorted(parts) == [3, 4, 4]
        seen.add(int(np.argmin(parts)))
    assert seen == {0, 1, 2}  # all same in 60 draws: below 1e-10
    assert even_parts(2, 3, np.random.default_rng(0)).sum() == 2
    assert even_parts(0, 3, np.random.default_rng(0)).tolist() == [0, 0, 0]


def scans(most: int):
    """A code book of pictures' rows: a label and an amount of the visit, at most so many visits."""
    columns = {
        "dx": {"type": "category", "categories": ["0", "1", "2"], "missing": False},
        "dose": {"type": "number", "bounds": [0, 4], "bins": 4},
        "sex": {"type": "category", "categories": ["f", "m"], "per": "patient"},
    }
    clock = {"column": "image", "kind": "order"}
    table = {"shape": "visits", "key": "pid", "time": clock, "columns": columns}
    return codec(Schema(name="scans", max_visits=most, tables={"scans": table}))


def test_a_visits_column_is_asked_for_where_nobody_has_two_visits():
    book = scans(1)
    given = conditions(["dx=1", "dose=2.5", "sex=f"], book)
    assert (dict(given.codes), dict(given.visit)) == ({0: (0,)}, {0: (1,), 1: (2,)})
    assert given.fixed == {0: 0}  # the model is asked for facts of the patient alone
    made = Tokens(
        static=np.array([[0], [0], [0], [1], [0]], dtype=np.int16),
        visits=np.array([[[1, 2]], [[1, 3]], [[0, 2]], [[1, 2]], [[1, 2]]], dtype=np.int16),
        length=np.array([1, 1, 1, 1, 0], dtype=np.int16),  # who has no visit has no such visit
    )
    kept = given.met(made, book, np.random.default_rng(0))
    assert kept.tolist() == [True, False, False, False, False]
    place, codes = balanced("dx", book, conditions([], book))
    assert (place, codes) == (Place(True, 0), [(0,), (1,), (2,)])
    assert conditions([], book).and_codes(place, (2,)).visit == {0: (2,)}
    assert not conditions([], book).and_codes(place, (2,)).codes


@pytest.mark.parametrize(
    ("most", "where", "told"),
    [
        (2, "dx=1", r"\(sex\), and 'dx' is of the visit, of which a patient may have 2"),
        (1, "dose>=2", "takes = alone, not >="),
        (1, "dx=7", "0, 1, 2, got '7'"),
        (1, "weight=1", r"\(sex, dx, dose\), got 'weight'"),
    ],
)
def test_what_cannot_be_asked_of_a_visit_is_told(most, where, told):
    with pytest.raises(InputError, match=told):
        conditions([where], scans(most))
    if most > 1:
        with pytest.raises(InputError, match="per: patient"):
            balanced("dx", scans(most), conditions([], scans(most)))
