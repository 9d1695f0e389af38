"""Agreement with sdmetrics, where both compute the same thing.

sdmetrics is an oracle for tests only: it depends on copulas, which is under the Business Source
License, so it is no dependency of the package. It drops missing values of single columns and
knows no patients with visits, so agreement is on static columns, single ones never missing.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from dpsynth.data.codec import Codec, Tokens, codec
from dpsynth.evaluation.fidelity.coverage import category_coverage
from dpsynth.evaluation.fidelity.one_way import tv1
from dpsynth.evaluation.fidelity.two_way import tv2
from dpsynth.schema import Column, Schema, Table

SIZES = {"a": 2, "b": 7, "c": 40}


@pytest.fixture(scope="module")
def sdmetrics():
    pytest.importorskip("sdmetrics")
    from sdmetrics.column_pairs import ContingencySimilarity
    from sdmetrics.single_column import CategoryCoverage, TVComplement

    return TVComplement, ContingencySimilarity, CategoryCoverage


@pytest.fixture(scope="module")
def book() -> Codec:
    """Three static columns of categories."""
    columns = {
        name: Column(type="category", categories=tuple(f"{name}{i}" for i in range(size)))
        for name, size in SIZES.items()
    }
    table = Table(shape="static", key="id", columns=columns)
    return codec(Schema(name="s", tables={"p": table}))


def patients(number: int, seed: int, scale: float, missing: bool = False) -> Tokens:
    """Dependent columns with a long tail; the last code is missing."""
    rng = np.random.default_rng(seed)
    common = rng.exponential(scale, number)
    drawn = [common * size / 8 + rng.exponential(size / 6, number) for size in SIZES.values()]
    static = [
        np.minimum(each.astype(int), size - 1 + missing)
        for each, size in zip(drawn, SIZES.values(), strict=True)
    ]
    return Tokens(
        static=np.stack(static, axis=1).astype(np.int16),
        visits=np.zeros((number, 0, 0), dtype=np.int16),
        length=np.zeros(number, dtype=np.int16),
    )


def only(book: Codec, tokens: Tokens, places: list[int]) -> tuple[Codec, Tokens]:
    fields = tuple(book.static[place] for place in places)
    return replace(book, static=fields), replace(tokens, static=tokens.static[:, places])


def frame(book: Codec, tokens: Tokens) -> pd.DataFrame:
    return book.decode(tokens, np.random.default_rng(0)).static


@pytest.mark.parametrize("place", range(len(SIZES)))
def test_single_columns_agree(place, sdmetrics, book):
    complement, _, covered = sdmetrics
    few, real = only(book, patients(500, 1, 1.0), [place])
    _, other = only(book, patients(300, 2, 0.5), [place])
    a, b = (frame(few, each).iloc[:, 0] for each in (real, other))
    made = tv1(real, other, few)
    assert made.value > 0
    # Weights are float32, and theirs adds 1e-6 to what only the copy has.
    assert made.value == pytest.approx(1 - complement.compute(a, b), abs=1e-5)
    assert category_coverage(real, other, few).value == pytest.approx(covered.compute(a, b))


@pytest.mark.parametrize("places", list(combinations(range(len(SIZES)), 2)))
def test_pairs_agree_missing_values_too(places, sdmetrics, book):
    _, similarity, _ = sdmetrics
    few, real = only(book, patients(500, 1, 1.0, missing=True), list(places))
    _, other = only(book, patients(300, 2, 0.5, missing=True), list(places))
    pair = [frame(few, each).fillna("(missing)") for each in (real, other)]
    assert tv2(real, other, few).value == pytest.approx(1 - similarity.compute(*pair), abs=1e-5)


def test_means_over_columns_agree(sdmetrics, book):
    complement, similarity, covered = sdmetrics
    real, other = patients(500, 1, 1.0), patients(300, 2, 0.5)
    a, b = frame(book, real), frame(book, other)
    single = np.mean([complement.compute(a[name], b[name]) for name in SIZES])
    pairs = np.mean([similarity.compute(a[list(p)], b[list(p)]) for p in combinations(SIZES, 2)])
    shown = np.mean([covered.compute(a[name], b[name]) for name in SIZES])
    assert tv1(real, other, book).value == pytest.approx(1 - single, abs=1e-5)
    assert tv2(real, other, book).value == pytest.approx(1 - pairs, abs=1e-5)
    assert category_coverage(real, other, book).value == pytest.approx(shown)
    assert shown < 1
