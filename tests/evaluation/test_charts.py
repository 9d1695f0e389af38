"""What is drawn is what was counted."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.data.field import field
from dpsynth.evaluation.charts import (
    BARS,
    column_bars,
    merged,
    sample_patients,
    transition_heats,
    visit_bars,
)
from dpsynth.evaluation.labels import bound, span, text
from dpsynth.schema import Column


def test_shares_add_up_and_the_furthest_column_comes_first(clinic, clinic_codec):
    real, other = (clinic_codec.encode(clinic(80, seed)) for seed in (1, 2))
    found = column_bars(real, other, clinic_codec)
    assert {bars.name for bars in found} == {
        "sex", "age", "died", "time since the visit before", "pressure", "therapy",
    }  # fmt: skip
    for bars in found:
        assert sum(bars.real) == pytest.approx(1, abs=1e-5)
        assert sum(bars.synthetic) == pytest.approx(1, abs=1e-5)
        assert len(bars.labels) == len(bars.real) <= BARS
    assert [b.distance for b in found] == sorted((b.distance for b in found), reverse=True)


def test_an_empty_copy_has_empty_bars(clinic, clinic_codec):
    real = clinic_codec.encode(clinic(40, 1))
    none = real.take(np.array([], dtype=int))
    assert all(sum(bars.synthetic) == 0 for bars in column_bars(real, none, clinic_codec))
    assert len(transition_heats(real, none, clinic_codec)) == 3


def test_many_bins_are_put_together_evenly_and_all_kept():
    book = field("x", Column(type="number", bounds=(0, 40), bins=40, atoms=(0.0,)))
    parts = merged(book, np.ones(book.size), 17)
    assert [label for label, _ in parts[:3]] == ["0", "0 to 3", "3 to 6"]
    assert parts[-1] == ("missing", [41])
    assert sorted(code for _, codes in parts for code in codes) == list(range(42))
    assert len(parts) <= 17


def test_a_count_is_written_in_whole_numbers():
    # Bins [0, 1), [1, 3), [3, 8]: the last is closed.
    book = field("x", Column(type="count", bounds=(0, 8), bins=(1, 3)))
    assert [span(book, place, place) for place in range(3)] == ["0", "1 to 2", "3 to 8"]
    assert span(book, 0, 1) == "0 to 2"
    money = field("x", Column(type="number", bounds=(0, 20000), bins=(0.123456, 1234.5)))
    assert [span(money, place, place) for place in range(3)] == [
        "0 to 0.1235",
        "0.1235 to 1,234",
        "1,234 to 20,000",
    ]


def test_rare_categories_are_put_together_and_all_kept():
    book = field("x", Column(type="category", categories=tuple(f"c{i}" for i in range(50))))
    share = np.arange(51)[::-1].astype(float)
    parts = merged(book, share, 6)
    assert [label for label, _ in parts] == ["c0", "c1", "c2", "c3", "all others", "missing"]
    assert sorted(code for _, codes in parts for code in codes) == list(range(51))


def test_transitions_are_shares_of_those_in_a_row(grid_codec, make_tokens):
    # 0 -> 0, 0 -> 1, 1 -> 1, 1 -> 1: half of 0 stay, all of 1 do.
    real = make_tokens([[0], [0]], [[[0], [0], [1]], [[1], [1], [1]]], grid_codec)
    (heat,) = transition_heats(real, real, grid_codec)
    assert heat.labels == ("false", "true")
    np.testing.assert_allclose(heat.real, [[0.5, 0.5], [0, 1]])
    assert heat.distance == 0


def test_visits_are_counted_from_none_to_the_maximum(clinic, clinic_codec):
    real = clinic_codec.encode(clinic(80, 1))
    bars = visit_bars(real, real, clinic_codec)
    assert bars.labels == ("0", "1", "2", "3", "4")
    np.testing.assert_allclose(bars.real, np.bincount(real.length, minlength=5) / 80, atol=1e-6)


def test_sampled_patients_have_visits_if_any_do(clinic):
    made = sample_patients(clinic(30, 1))
    assert len(made) == 3
    assert all(each.visits for each in made)
    assert made[0].header == ("time", "pressure", "therapy")
    assert sample_patients(clinic(30, 1).take(np.array([], dtype=int))) == ()


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "–"), (float("nan"), "–"), (3.0, "3"), (12345.6, "12,346"), (0.12345, "0.123"),
     ("m", "m"), (np.float64(2.5), "2.5"), (float("inf"), "–")],
)  # fmt: skip
def test_cells_are_written_for_people(value, said):
    assert text(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.02718281, "0.0272"), (0.02711, "0.0272"), (0.5, "0.5000"), (1.0, "1.0000")],
)
def test_a_bound_is_never_rounded_down(value, said):
    assert bound(value) == said
