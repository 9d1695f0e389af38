"""Subgroups: who they are, and how models do in them."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.data.codec import Tokens, codec
from dpsynth.evaluation.bias.discrimination import auc_loss, group_auc
from dpsynth.evaluation.bias.gaps import gap
from dpsynth.evaluation.bias.groups import groups
from dpsynth.evaluation.bias.representation import group_share
from dpsynth.evaluation.utility.predictions import Predicted
from dpsynth.schema import Column, Schema, Table


def static_tokens(codes: list[list[int]]) -> Tokens:
    n = len(codes)
    return Tokens(
        static=np.array(codes, dtype=np.int16),
        visits=np.zeros((n, 0, 0), dtype=np.int16),
        length=np.zeros(n, dtype=np.int16),
    )


def test_codes_are_groups_and_missing_is_one(clinic, clinic_codec):
    tokens = clinic_codec.encode(clinic(100, 1))
    found = groups(tokens, clinic_codec)
    assert list(found) == ["sex", "age"]
    assert [g.name for g in found["sex"]] == ["sex f", "sex m"]
    assert found["age"][-1].name == "age missing"
    for parts in found.values():  # every patient in exactly one group
        assert (sum(g.members(tokens, clinic_codec).astype(int) for g in parts) == 1).all()


def test_bins_are_put_together_as_evenly_as_they_allow():
    # Eight bins with ten patients each: four ranges of two bins.
    age = Column(type="number", bounds=(0, 80), bins=8, missing=False, sensitive=True)
    book = codec(
        Schema(name="s", tables={"p": Table(shape="static", key="id", columns={"age": age})})
    )
    found = groups(static_tokens([[code] for code in range(8)] * 10), book)["age"]
    assert [g.codes for g in found] == [(0, 1), (2, 3), (4, 5), (6, 7)]
    assert found[1].name == "age 20 to 40"


def test_rare_categories_are_put_together():
    names = tuple("abcdefgh")
    kind = Column(type="category", categories=names, missing=False, sensitive=True)
    book = codec(
        Schema(name="s", tables={"p": Table(shape="static", key="id", columns={"k": kind})})
    )
    codes = [[code] for code in range(8) for _ in range(20 - code)]
    found = groups(static_tokens(codes), book)["k"]
    assert [g.name for g in found] == ["k a", "k b", "k c", "k d", "k e", "k rest"]
    assert found[-1].codes == (5, 6, 7)


def predicted(score: np.ndarray, y: np.ndarray) -> Predicted:
    return Predicted(y=y, score=score, patient=np.arange(len(y)), patients=len(y), threshold=0.5)


@pytest.fixture
def two_groups():
    """200 patients, half of them cases; group A is ranked rightly, in group B ties."""
    y = np.tile([True, False], 100)
    inside = np.arange(200) < 100
    score = np.where(inside, y.astype(float), 0.5)
    return predicted(score, y), inside


def test_group_auc_looks_at_the_group_only(two_groups):
    made, inside = two_groups
    assert group_auc(made, inside).value == 1.0
    assert group_auc(made, ~inside).value == 0.5
    assert group_auc(made, inside).n == 100


def test_gap_is_best_minus_worst(two_groups):
    made, inside = two_groups
    assert gap(made, [inside, ~inside], kind="auc").value == pytest.approx(0.5)


def test_loss_is_what_the_copy_adds(two_groups):
    made, inside = two_groups
    perfect = predicted(made.y.astype(float), made.y)
    assert auc_loss(perfect, made, inside).value == 0.0
    assert auc_loss(perfect, made, ~inside).value == pytest.approx(0.5)
    assert auc_loss(made, made, ~inside).value == 0.0


def test_fewer_than_fifty_events_are_not_assessable(two_groups):
    made, _ = two_groups
    few = np.arange(200) < 98  # 49 cases
    for found in (group_auc(made, few), auc_loss(made, made, few)):
        assert not found.assessable
        assert "49 events" in found.note
    assert not gap(made, [few, ~few], kind="auc").assessable
    assert not group_auc(made, np.zeros(200, dtype=bool)).assessable


def test_share_of_a_group():
    made = group_share(np.array([True, True, False, False]))
    assert made.value == 0.5
    assert made.low < 0.5 < made.high
    assert not group_share(np.array([], dtype=bool)).assessable
