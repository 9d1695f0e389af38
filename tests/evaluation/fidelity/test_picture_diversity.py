"""Variety within classes: worked by hand, 1 between real sets, 0 of one picture."""

import numpy as np
import pytest

from dpsynth.evaluation.fidelity.picture_diversity import LEAST, picture_diversity
from dpsynth.evaluation.fidelity.seen import Seen


def rows(n: int, seed: int, spread: float = 1.0, classes: int = 2) -> Seen:
    rng, code = np.random.default_rng(seed), np.arange(n) % classes
    found = spread * rng.normal(size=(n, 5)) + 9.0 * code[:, None]
    return Seen(features=found, code=code, classes=tuple("abcd"[:classes]))


def test_the_ratio_of_mean_distances_worked_by_hand():
    # Real: 20 at 0 and 20 at 1: of 780 pairs 400 are 1 apart. Other: 0 and 3: its only pair is
    # 3 apart. 3 / (400 / 780) = 5.85.
    real = Seen(features=np.repeat([[0.0], [1.0]], 20, 0), code=np.zeros(LEAST), classes=("",))
    other = Seen(features=np.array([[0.0], [3.0]]), code=np.zeros(2), classes=("",))
    assert picture_diversity(real, other).value == pytest.approx(3 * 780 / 400)


def test_classes_are_judged_apart_and_weigh_the_same():
    # Class b of the copy shows one picture: (1 + 0) / 2. Classes far apart are no variety.
    real, other = rows(400, 1), rows(400, 2)
    other.features[other.code == 1] = 7.0
    # Mean distances of 200 have a relative sd of about .02: .1 is 6 of them, halved.
    assert picture_diversity(real, other).value == pytest.approx(0.5, abs=0.1)


def test_real_sets_are_as_varied_and_collapse_is_seen():
    found = picture_diversity(rows(400, 1), rows(400, 2))
    assert found.value == pytest.approx(1.0, abs=0.15)
    narrow = picture_diversity(rows(400, 1), rows(400, 2, spread=0.5))
    assert narrow.high < 0.7 and found.low > 0.8
    one = rows(400, 2, spread=0.0)
    assert picture_diversity(rows(400, 1), one).high == pytest.approx(0.0, abs=1e-9)
    # Twenty of each class, over and over: 1 - 1 / 20 of what twenty are.
    few = rows(40, 2)
    again = Seen(
        features=np.tile(few.features, (10, 1)), code=np.tile(few.code, 10), classes=few.classes
    )
    assert picture_diversity(rows(400, 1), again).value < 1.15


def test_intervals_hold_one():
    # 60 pairs of real sets, intervals of 95 %: fewer than 45 held has a chance below 1e-6.
    found = [picture_diversity(rows(160, 2 * s), rows(160, 2 * s + 1)) for s in range(60)]
    assert sum(each.low <= 1 <= each.high for each in found) >= 45


def test_a_class_that_the_copy_lacks_has_no_variety():
    other = rows(100, 2)
    only = Seen(features=other.of(0), code=np.zeros(50), classes=other.classes)
    assert picture_diversity(rows(200, 1), only).value == pytest.approx(0.5, abs=0.15)
    none = Seen(features=np.empty((0, 5)), code=np.empty(0), classes=other.classes)
    assert picture_diversity(rows(200, 1), none).value == 0.0


def test_what_cannot_be_assessed_is_said():
    few = rows(2 * LEAST - 2, 1)
    assert f"{LEAST} real patients" in picture_diversity(few, few).note
    same = rows(200, 1, spread=0.0)
    assert not picture_diversity(same, rows(200, 2)).assessable
    assert not picture_diversity(rows(0, 1), rows(0, 1)).assessable
