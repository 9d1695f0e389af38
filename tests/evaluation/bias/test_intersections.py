"""Groups by two or three attributes at once."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.evaluation.bias.groups import groups
from dpsynth.evaluation.bias.intersections import intersections


@pytest.fixture(scope="module")
def people(clinic, clinic_codec):
    return clinic_codec.encode(clinic(300, 1)), clinic_codec


def test_every_patient_is_in_one_intersection_of_a_pair(people):
    tokens, book = people
    pairs, left_out = intersections(groups(tokens, book), 300)
    assert list(pairs) == ["sex x age"]
    assert left_out == []
    inside = [each.members(tokens, book).astype(int) for each in pairs["sex x age"]]
    assert (sum(inside) == 1).all()
    first = pairs["sex x age"][0]
    assert first.name.startswith("sex f, age 0 to")
    assert first.attribute == "sex x age"


def test_an_intersection_is_both_groups(people):
    tokens, book = people
    found = groups(tokens, book)
    crossed = intersections(found, 300)[0]["sex x age"][-1]
    both = found["sex"][-1].members(tokens, book) & found["age"][-1].members(tokens, book)
    assert np.array_equal(crossed.members(tokens, book), both)


def test_pairs_beyond_the_cap_are_named(people):
    # sex has 2 groups, age 5 (four ranges, missing): 10 intersections.
    found = groups(*people)
    assert intersections(found, 300, most=10)[1] == []
    assert intersections(found, 300, most=9) == ({}, ["sex x age"])
    # A pair that fits is taken though one before it does not.
    three = {"age": found["age"], "sex": found["sex"], "other": found["sex"]}
    pairs, left_out = intersections(three, 300, most=9)
    assert (list(pairs), left_out) == (
        ["sex x other"],
        ["age x sex", "age x other", "age x sex x other"],
    )


def test_one_attribute_has_no_pairs(people):
    found = groups(*people)
    assert intersections({"sex": found["sex"]}, 300) == ({}, [])
    assert intersections({}, 300) == ({}, [])


def test_triples_come_where_their_cells_hold_out(people):
    # Cells of the triple: 2 x 5 x 2 = 20, so 50 patients in each are 1,000. Pairs: 10, 4, 10.
    found = groups(*people)
    three = {"sex": found["sex"], "age": found["age"], "other": found["sex"]}
    pairs = ["sex x age", "sex x other", "age x other"]
    taken, left_out = intersections(three, 1000)
    assert (list(taken), left_out) == ([*pairs, "sex x age x other"], [])
    assert len(taken["sex x age x other"]) == 20
    taken, left_out = intersections(three, 999)
    assert (list(taken), left_out) == (pairs, ["sex x age x other"])
    # The cap counts pairs and triples together: 24 + 20.
    assert intersections(three, 1000, most=44)[1] == []
    assert intersections(three, 1000, most=43)[1] == ["sex x age x other"]


def test_every_patient_is_in_one_intersection_of_a_triple(people):
    tokens, book = people
    found = groups(tokens, book)
    three = {"sex": found["sex"], "age": found["age"], "again": found["sex"]}
    cells = intersections(three, 1000)[0]["sex x age x again"]
    assert (sum(each.members(tokens, book).astype(int) for each in cells) == 1).all()
    assert cells[0].name.count(", ") == 2
