"""Neighbourhoods of features: worked by hand, near their chance between real sets, and plants."""

import numpy as np
import pytest

from dpsynth.evaluation.fidelity import MANIFOLD, picture_manifold
from dpsynth.evaluation.fidelity.picture_manifold import (
    FEWEST,
    MOST,
    NEAREST,
    neighbourhoods,
    picture_neighbourhoods,
)
from dpsynth.evaluation.fidelity.seen import Seen


def rows(n: int, seed: int, shift: float = 0.0, width: int = 4) -> Seen:
    found = np.random.default_rng(seed).normal(size=(n, width)) + shift
    return Seen(features=found, code=np.zeros(n, dtype=int), classes=("",))


def judged(real: Seen, other: Seen) -> dict:
    made = picture_neighbourhoods(real, other)
    return {name: metric.measure(made) for name, metric in MANIFOLD.items()}


def test_neighbourhoods_worked_by_hand(monkeypatch):
    # k = 1. Real 0, 1, 3 reach 1, 1, 2; others 0.5, 5, 10 reach 4.5, 4.5, 5. 0.5 lies in the
    # first two real ones, 5 in the third, 10 in none: precision 2 of 3, density (2 + 1) / 3,
    # coverage 3 of 3. All of 0, 1, 3 lie within 4.5 of 0.5: recall 3 of 3.
    monkeypatch.setattr(picture_manifold, "FEWEST", 3)
    real, other = np.array([[0.0], [1.0], [3.0]]), np.array([[0.5], [5.0], [10.0]])
    made = neighbourhoods(real, other, 1, np.random.default_rng(0))
    assert made.precision[0] == pytest.approx(2 / 3)
    assert made.density[0] == pytest.approx(1.0)
    assert made.coverage[0] == made.recall[0] == 1.0
    # The other way round: 0, 1 and 3 all lie in those of 0.5 and 5 (4.5 and 4 away, 2 away; 0
    # is 5 away): precision 3 of 3, density (1 + 2 + 2) / 3; 10 has none within 5: 2 of 3.
    made = neighbourhoods(other, real, 1, np.random.default_rng(0))
    assert made.precision[0] == 1.0
    assert made.density[0] == pytest.approx(5 / 3)
    assert made.coverage[0] == made.recall[0] == pytest.approx(2 / 3)


def test_real_sets_are_as_chance_has_them():
    found = judged(rows(400, 1), rows(400, 2))
    # A real row's nearest k of 2 n others and real ones are real with 1/2 each: 1 - 2^-k. The
    # share of 400 has sd .017 if independent; .1 is 6 of them.
    assert found["picture_coverage"].value == pytest.approx(1 - 0.5**NEAREST, abs=0.1)
    assert found["picture_density"].value == pytest.approx(1.0, abs=0.2)
    for each in found.values():
        assert each.low <= each.value <= each.high and each.n == 400


def test_plants_are_found_by_the_metric_meant_for_them():
    real, usual = rows(400, 1), judged(rows(400, 1), rows(400, 2))
    # Far off: nothing lies among real ones.
    away = judged(real, rows(400, 2, shift=6.0))
    assert all(each.high < 0.1 for each in away.values())
    # One half of the real ones is missing: those there are right, and the rest is not covered.
    half = rows(1600, 2).features
    kept = half[half[:, 0] > 0][:400]
    half = judged(real, Seen(features=kept, code=np.zeros(400, dtype=int), classes=("",)))
    assert half["picture_precision"].value > usual["picture_precision"].low
    assert half["picture_coverage"].high < usual["picture_coverage"].low
    assert half["picture_recall"].high < usual["picture_recall"].low
    # One picture, over and over, in the middle.
    one = judged(real, Seen(features=np.zeros((400, 4)), code=np.zeros(400), classes=("",)))
    assert one["picture_precision"].value == 1.0 and one["picture_recall"].high == 0.0
    assert one["picture_coverage"].high < 0.5


def test_intervals_hold_what_other_draws_give():
    # Each of 40 pairs against their mean, with intervals of 95 %: fewer than 28 of 40 held has
    # a chance below 1e-6 if they are right.
    tries = [judged(rows(200, 2 * s), rows(200, 2 * s + 1)) for s in range(40)]
    for name in MANIFOLD:
        middle = np.mean([each[name].value for each in tries])
        assert sum(each[name].low <= middle <= each[name].high for each in tries) >= 28, name


def test_bad_input_is_not_assessable_and_sizes_are_capped():
    for few in (0, 1, FEWEST - 1):
        found = judged(rows(few, 1), rows(100, 2))
        assert all(f"fewer than {FEWEST}" in each.note for each in found.values())
    same = Seen(features=np.ones((50, 4)), code=np.zeros(50), classes=("",))
    assert all(np.isfinite(each.value) for each in judged(same, same).values())
    assert judged(rows(60, 1), rows(90, 2))["picture_recall"].n == 60
    assert MOST == 1000


def test_the_seed_decides():
    one, two = rows(80, 1), rows(120, 2)
    assert judged(one, two) == judged(one, two)
