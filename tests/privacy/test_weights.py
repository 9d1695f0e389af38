"""Weights of groups: worked by hand, held to their range, and never a patient above the bound."""

import json
from dataclasses import replace

import numpy as np
import pytest
from few_patients import (
    CODEC,
    SEX,
    VISITS,
    extreme_patients,
    moved_by,
    random_patients,
    scores_of,
    tokens_of,
)

from dpsynth.data.field import field
from dpsynth.data.named_groups import codes_of
from dpsynth.errors import InputError
from dpsynth.privacy.clipped_tables import ClippedTables
from dpsynth.privacy.moments import ClassSums, LabelMoments, VisitMoments, known_scale
from dpsynth.privacy.query import Query, Slot, joint_sensitivity
from dpsynth.privacy.weights import GroupWeights, Weighed, by_code, weighed
from dpsynth.privacy.witness import Witness
from dpsynth.schema import Column

GROUPS = GroupWeights.of({"sex": {"a": 1, "b": 0.25}})
AGE = field("age", Column(type="number", bounds=(0, 100), bins=(40.0, 65.0), atoms=(50.0,)))


def questions() -> list:
    scores = scores_of(3)
    size = scores.widths[0] + scores.widths[2]
    told = len(known_scale(scores, 0, 1.0))
    steps = tuple(Query((Slot("now", j), Slot("next", j))) for j in range(2))
    return [
        Query((Slot("static", 0), Slot("length"))),
        Query((Slot("first", 0), Slot("last", 1)), weight=3.0),
        ClippedTables(tables=steps, bound=0.6, weight=0.5),
        VisitMoments(scores=scores, clip=0.8),
        LabelMoments(
            scores=scores, field=0, centre=np.zeros(told), whiten=np.eye(told), clip=(0.5, 2.0)
        ),
        ClassSums(
            scores=scores, label=0, last=np.zeros(3, dtype=bool), centre=np.zeros(size),
            whiten=np.eye(size), clip=0.7,
        ),
        Witness(score=lambda tokens: np.cos(tokens.length + tokens.static[:, 0])),
    ]  # fmt: skip


def test_a_weighed_table_by_hand():
    # Two of sex a with weight 1, one of sex b with 1/4.
    tokens = tokens_of([(0, []), (0, [(1, 1)]), (1, [])])
    found = Weighed(question=Query((Slot("static", 0),)), groups=GROUPS).answer(tokens, CODEC)
    np.testing.assert_allclose(found, [2.0, 0.25])


def test_a_weighed_answer_is_the_sum_of_each_patients_own():
    tokens = tokens_of(random_patients(40, 1))
    each = GROUPS.among(tokens.static, CODEC)
    for question in questions():
        alone = [w * question.answer(tokens.take(np.array([i])), CODEC) for i, w in enumerate(each)]
        found = Weighed(question=question, groups=GROUPS).answer(tokens, CODEC)
        np.testing.assert_allclose(found, np.sum(alone, axis=0), atol=1e-9)


@pytest.mark.parametrize("lightest", [1.0, 0.25, 0.01])
def test_nobody_moves_a_weighed_answer_by_more_than_is_charged(lightest):
    everybody = tokens_of([*extreme_patients(), *random_patients(60, 2)])
    groups = GroupWeights.of({"sex": {"a": 1, "b": lightest}})
    for plain in questions():
        question = Weighed(question=plain, groups=groups)
        assert question.sensitivity == plain.sensitivity and question.weight == plain.weight
        moved, bare = moved_by(question, everybody), moved_by(plain, everybody)
        assert moved.max() <= question.sensitivity * (1 + 1e-9)
        light = everybody.static[:, 0] == 1
        np.testing.assert_allclose(moved[light], lightest * bare[light], atol=1e-12)
        np.testing.assert_allclose(moved[~light], bare[~light], atol=1e-12)


def test_neighbours_differ_by_at_most_what_is_charged_whoever_joins():
    base, asked = random_patients(30, 4), weighed(questions(), GROUPS)
    before = [each.answer(tokens_of(base), CODEC) for each in asked]
    for joins in [(sex, rows) for sex in range(SEX) for rows in ([], [(3, 2)] * VISITS)]:
        after = [each.answer(tokens_of([*base, joins]), CODEC) for each in asked]
        parts = [q.weight * (b - a).ravel() for q, a, b in zip(asked, before, after, strict=True)]
        assert np.linalg.norm(np.concatenate(parts)) <= joint_sensitivity(asked) * (1 + 1e-9)


def test_the_replay_sees_a_weight_above_1():
    # Power of the test above: a weight that got past the check moves the answer by too much.
    heavy = replace(GROUPS)
    object.__setattr__(heavy, "columns", (("sex", (("a", 1.5),)),))
    question = Weighed(question=Query((Slot("static", 0),)), groups=heavy)
    assert moved_by(question, tokens_of([(0, [])])).max() > question.sensitivity


def test_who_is_in_no_named_group_has_weight_1_and_missing_may_be_named():
    sex = field("sex", Column(type="category", categories=("f", "m"), other=True))
    assert by_code(sex, {"m": 0.5}).tolist() == [1.0, 0.5, 1.0, 1.0]
    assert by_code(sex, {"other": 0.5, "(missing)": 0.1}).tolist() == [1.0, 1.0, 0.5, 0.1]


def test_ranges_of_numbers_are_read_from_their_bins():
    # Codes: the atom 50, then [0, 40), [40, 65), [65, 100], then missing.
    assert AGE.labels == ["50", "[0, 40)", "[40, 65)", "[65, 100)", "(missing)"]
    assert by_code(AGE, {"..40": 0.1, "40..65": 0.2, "65..": 0.3}).tolist() == [
        0.2, 0.1, 0.2, 0.3, 1.0,
    ]  # fmt: skip
    assert codes_of(AGE, "0..100") == [0, 1, 2, 3]
    assert codes_of(AGE, "(missing)") == [4]
    top = field("n", Column(type="count", bounds=(0, 9), bins=(3.0,), atoms=(9.0,), missing=False))
    assert codes_of(top, "3..9") == codes_of(top, "3..") == [0, 2]


@pytest.mark.parametrize(
    ("group", "told"),
    [
        ("40..66", "edges of the column's bins"),
        ("65..40", "edges of the column's bins"),
        ("a..b", "edges of the column's bins"),
        ("old", "ranges between edges"),
    ],
)
def test_a_range_that_cuts_a_bin_is_refused(group, told):
    with pytest.raises(InputError, match=told):
        by_code(AGE, {group: 0.5})


def test_groups_that_meet_are_refused():
    with pytest.raises(InputError, match="meets another group"):
        by_code(AGE, {"..65": 0.5, "40..": 1})


@pytest.mark.parametrize("weight", [0, -0.5, 1.0001, 2, np.nan, np.inf, "1", True, 0.001])
def test_a_weight_outside_its_range_is_refused(weight):
    with pytest.raises(InputError, match="must be in"):
        GroupWeights.of({"sex": {"a": weight}})


def test_weights_without_use_are_refused():
    for given in ({}, {"sex": {}}):
        with pytest.raises(InputError, match="name a column"):
            GroupWeights.of(given)
    with pytest.raises(InputError, match="measurements, training or both"):
        GroupWeights.of({"sex": {"a": 1}}, measured=False, trained=False)


def test_a_column_of_the_visit_is_refused():
    with pytest.raises(InputError, match="per-patient column"):
        GroupWeights.of({"pain": {"a": 0.5}}).tables(CODEC)


def test_weights_of_several_columns_are_multiplied():
    two = replace(CODEC, static=(CODEC.static[0], replace(CODEC.static[0], name="race")))
    groups = GroupWeights.of({"sex": {"a": 0.5}, "race": {"b": 0.5}})
    static = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    assert groups.among(static, two).tolist() == [0.5, 0.25, 1.0, 0.5]
    assert groups.levels(two).tolist() == [0.25, 0.5, 1.0]
    assert groups.levels(two, {0: 1}).tolist() == [0.5, 1.0]


def test_weights_whose_product_all_but_leaves_somebody_out_are_refused():
    assert GroupWeights.of({"sex": {"a": 0.1}, "race": {"b": 0.1}})
    with pytest.raises(InputError, match=r"multiplied, down to 0\.005"):
        GroupWeights.of({"sex": {"a": 0.1}, "race": {"b": 0.05, "a": 1}})


def test_weights_come_back_from_json_as_they_were():
    for groups in (GROUPS, replace(GROUPS, measured=False), replace(GROUPS, trained=False)):
        assert GroupWeights.from_public(json.loads(json.dumps(groups.public()))) == groups


def test_nothing_is_weighed_where_measurements_are_not():
    asked = questions()
    assert weighed(asked, None) == asked
    assert weighed(asked, replace(GROUPS, measured=False)) == asked
