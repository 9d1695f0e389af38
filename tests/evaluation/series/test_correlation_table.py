"""Correlations within visits, each patient counting once."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from dpsynth.evaluation.series.correlations import correlations

MODULE = sys.modules[correlations.__module__]  # the package's name for it is the function


@pytest.fixture
def pair(make_tokens, grid_codec):
    """Sex and "on" always agree in one, never in the other."""
    visits = [[[0]] * 3, [[1]] * 3]
    same = make_tokens([[0], [1]], visits, grid_codec)
    other = make_tokens([[1], [0]], visits, grid_codec)
    return same, other, grid_codec


def test_what_agrees_is_one_and_what_is_opposed_minus_one(pair):
    same, other, codec = pair
    made = correlations(same, other, codec)
    assert made.labels == ("sex", "on")
    np.testing.assert_allclose(made.real, [[1, 1], [1, 1]], atol=1e-6)
    np.testing.assert_allclose(made.synthetic, [[1, -1], [-1, 1]], atol=1e-6)


def test_a_patient_of_many_visits_counts_once(make_tokens, clinic_codec):
    # Sex f/m with pressure low/high in two patients of one visit and one of four the other way:
    # each weighs 1, ranks of sex f, m, m and of pressure low, high, low.
    def visit(pressure):
        return [0, pressure, 0]

    made = make_tokens(
        [[0, 5, 0], [1, 5, 0], [1, 5, 0]],
        [[visit(2)], [visit(8)], [visit(2)] * 4],
        clinic_codec,
    )
    found = correlations(made, made, clinic_codec)
    at = found.labels.index("pressure")
    # Centred ranks f -1/3, m 1/6; low -1/6, high 1/3: covariance (1/18 + 1/18 - 1/36) / 3 = 1/36,
    # variances 1/18 each.
    assert found.real[0][at] == pytest.approx(0.5, abs=1e-5)
    age = found.labels.index("age")
    assert np.isnan(found.real[0][age])  # everyone is of the same age


def test_the_copy_alone_has_no_real_side(pair):
    same, other, codec = pair
    assert correlations(None, other, codec) == correlations(None, other, codec)
    assert correlations(None, same, codec).real == ()


def test_an_empty_copy_has_no_correlation(pair):
    same, _, codec = pair
    made = correlations(same, same.take(np.array([], dtype=int)), codec)
    assert np.isnan(made.synthetic).all()


def test_only_so_many_columns_are_drawn(pair, monkeypatch):
    same, other, codec = pair
    monkeypatch.setattr(MODULE, "MOST", 1)
    assert correlations(same, other, codec).left_out == 1
