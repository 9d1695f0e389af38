"""Numbers are drawn again inside their bins until rules hold; codes and order stay."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.data.codec import PAD, Codec, Tokens, codec
from dpsynth.data.redraw import Redraw
from dpsynth.schema import Schema

UNIT = {"type": "number", "bounds": [0, 4], "bins": 4}  # code c is [c, c + 1); 4 is missing


def ward(*rules: str, a: dict | None = None, most: int = 4) -> tuple[Schema, Codec]:
    schema = Schema(
        name="ward",
        max_visits=most,
        rules=rules,
        tables={
            "people": {"shape": "static", "key": "pid", "columns": {"s": UNIT, "t": UNIT}},
            "visits": {"shape": "visits", "key": "pid", "time": {"column": "day", "kind": "order"},
                       "columns": {"a": a or UNIT, "b": UNIT, "on": {"type": "boolean"}}},
        },
    )  # fmt: skip
    return schema, codec(schema)


def tokens(visits: list[list[tuple[int, int, int]]], static: list[tuple[int, int]], book: Codec):
    codes = np.full((len(visits), book.max_visits, 3), PAD, dtype=np.int16)
    for patient, rows in enumerate(visits):
        codes[patient, : len(rows)] = np.array(rows).reshape(-1, 3)
    length = np.array([len(rows) for rows in visits], dtype=np.int16)
    return Tokens(static=np.array(static, dtype=np.int16), visits=codes, length=length)


def drawn(schema: Schema, book: Codec, made: Tokens, within: dict | None = None, seed: int = 0):
    redraw = Redraw(schema=schema, codec=book, within=within or {})
    return redraw.records(made, np.random.default_rng(seed))


def same_codes(records, made: Tokens, book: Codec) -> None:
    again = book.encode(records)
    np.testing.assert_array_equal(again.static, made.static)
    np.testing.assert_array_equal(again.visits, made.visits)


@pytest.mark.parametrize(("trend", "sign"), [("never falls", 1), ("never rises", -1)])
def test_values_of_a_trend_are_those_of_draws_that_happen_to_be_in_order(trend, sign):
    # Three visits in [0, 1): order statistics of 3 uniforms have means 1/4, 1/2, 3/4. The means
    # of 20,000 have sd 0.0014 or less: 6 sd, false alarm 1e-8.
    schema, book = ward(f"a {trend}")
    made = tokens([[(0, 0, 0)] * 3] * 20_000, [(0, 0)] * 20_000, book)
    records, wrong = drawn(schema, book, made)
    assert not wrong[f"a {trend}"].any()
    means = records.visits["a"].to_numpy().reshape(-1, 3).mean(axis=0)
    np.testing.assert_allclose(means[::sign], [0.25, 0.5, 0.75], atol=6 * 0.0014)
    same_codes(records, made, book)


def test_a_trend_over_bins_and_missing_values_keeps_codes_places_and_other_columns():
    schema, book = ward("a never falls")
    visits = [[(0, 2, 1), (4, 4, 2), (0, 1, 0), (3, 0, 1)], [(2, 1, 1)], []]
    made = tokens(visits, [(1, 4)] * 3, book)
    records, wrong = drawn(schema, book, made)
    assert not wrong["a never falls"].any()
    same_codes(records, made, book)


def test_a_trend_that_the_codes_break_is_told_and_left():
    schema, book = ward("a never falls")
    made = tokens([[(1, 0, 0), (0, 0, 0)], [(0, 0, 0), (1, 0, 0)]], [(0, 0)] * 2, book)
    records, wrong = drawn(schema, book, made)
    assert wrong["a never falls"].tolist() == [True, False]
    same_codes(records, made, book)


def test_a_value_of_its_own_among_a_bins_values_is_reached_by_drawing_again():
    # Codes: atom 0.5, then [0, 1): the first must come out below the atom, the last above.
    schema, book = ward("a never falls", a={"type": "number", "bounds": [0, 1], "bins": 1,
                                            "atoms": [0.5]})  # fmt: skip
    made = tokens([[(1, 0, 0), (0, 0, 0), (1, 0, 0)]] * 50, [(0, 0)] * 50, book)
    records, wrong = drawn(schema, book, made)
    # Each try succeeds with chance 1/4: 40 fail with 1e-5 for one patient, 5e-4 for any.
    assert wrong["a never falls"].sum() <= 1
    first, atom, last = records.visits["a"].to_numpy().reshape(-1, 3).T
    good = ~wrong["a never falls"]
    assert (first <= atom)[good].all() and (atom <= last)[good].all() and (atom == 0.5).all()


def test_a_comparison_in_one_bin_is_drawn_until_it_holds():
    # a < b, both uniform on [0, 1): means 1/3 and 2/3; sd of the means of 40,000 0.0012.
    schema, book = ward("a < b")
    made = tokens([[(0, 0, 0)] * 4] * 10_000, [(0, 0)] * 10_000, book)
    records, wrong = drawn(schema, book, made)
    assert not wrong["a < b"].any()
    same_codes(records, made, book)
    means = records.visits[["a", "b"]].mean().to_numpy()
    np.testing.assert_allclose(means, [1 / 3, 2 / 3], atol=6 * 0.0012)


def test_patients_stay_in_their_order_and_whole():
    schema, book = ward("a < b", "s < t")
    rng = np.random.default_rng(1)
    visits = [[tuple(rng.integers(0, 3, 3)) for _ in range(rng.integers(0, 5))] for _ in range(400)]
    made = tokens(visits, [tuple(rng.integers(0, 3, 2)) for _ in range(400)], book)
    records, wrong = drawn(schema, book, made)
    same_codes(records, made, book)
    assert wrong["a < b"].any() and not wrong["a < b"].all()
    for rule, column, other in (("a < b", "a", "b"), ("s < t", "s", "t")):
        frame = records.visits if column == "a" else records.static
        bad = ~(frame[column] < frame[other])
        owner = frame["patient"].to_numpy() if column == "a" else np.arange(400)
        assert set(owner[bad]) == set(np.flatnonzero(wrong[rule]))


def test_a_fact_of_the_patient_may_have_to_move_too():
    # s at or above 40 visits' values in one bin: hardly ever by drawing visits alone.
    schema, book = ward("a <= s", most=40)
    made = tokens([[(0, 0, 0)] * 40] * 30, [(0, 0)] * 30, book)
    records, wrong = drawn(schema, book, made)
    assert wrong["a <= s"].mean() < 0.5
    same_codes(records, made, book)


def test_computed_columns_and_booleans_take_part():
    whole = ward()[0].model_dump(exclude_defaults=True)
    whole["tables"]["visits"]["columns"]["sum"] = {"type": "number", "formula": "a + b"}
    whole |= {"name": "ward", "rules": ("sum <= 1", "no visit after on == true")}
    schema = Schema(**whole)
    book = codec(schema)
    made = tokens([[(0, 0, 0), (0, 0, 1)], [(0, 0, 1), (0, 0, 0)]], [(0, 0)] * 2, book)
    records, wrong = drawn(schema, book, made)
    assert not wrong["sum <= 1"][0] and (records.visits["a"] + records.visits["b"])[:2].le(1).all()
    assert wrong["no visit after on == true"].tolist() == [False, True]


def test_what_is_drawn_again_stays_in_its_range():
    schema, book = ward("s < t")
    made = tokens([[]] * 500, [(1, 1)] * 500, book)
    records, wrong = drawn(schema, book, made, within={"s": (1.6, 1.8), "t": (1.5, 1.7)})
    # One draw holds with chance 1/8, so 40 fail with 0.5 %: 25 of 500 or more with 1e-15.
    good = ~wrong["s < t"]
    assert good.sum() > 475
    s, t = records.static["s"], records.static["t"]
    assert s.between(1.6, 1.8).all() and t.between(1.5, 1.7).all() and (s < t)[good].all()


def test_nobody_and_no_rules():
    schema, book = ward("a never falls", "a < b")
    records, wrong = drawn(schema, book, tokens([], np.zeros((0, 2)), book))
    assert len(records) == 0 and [len(each) for each in wrong.values()] == [0, 0]
    schema, book = ward()
    made = tokens([[(1, 0, 0)]], [(0, 0)], book)
    records, wrong = drawn(schema, book, made)
    assert wrong == {}
    same_codes(records, made, book)
