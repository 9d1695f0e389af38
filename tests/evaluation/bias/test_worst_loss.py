"""What the worst group loses."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.evaluation.bias.worst_loss import worst_group_loss
from dpsynth.evaluation.utility.predictions import Predicted

Y = np.tile([True, False], 200)
FIRST = np.arange(400) < 200
RIGHT = Y.astype(float)


def predicted(score):
    return Predicted(y=Y, score=score, patient=np.arange(400), patients=400, threshold=0.5)


def test_the_worst_group_worked_by_hand():
    # Real ranks all rightly (AUC 1). The copy ranks the first group by chance (0.5), the other
    # rightly: losses 0.5 and 0. A group of 40 has 20 cases, too few to count.
    copy = predicted(np.where(FIRST, 0.5, RIGHT))
    groups = {"first": FIRST, "second": ~FIRST, "few": np.arange(400) < 40}
    found = worst_group_loss(predicted(RIGHT), copy, groups)
    assert found.value == pytest.approx(0.5)
    assert found.low <= 0.5 <= found.high
    assert found.n == 200 and found.note == "worst: first"


def test_groups_too_small_leave_nothing_to_say():
    found = worst_group_loss(predicted(RIGHT), predicted(RIGHT), {"few": np.arange(400) < 40})
    assert not found.assessable and "enough events" in found.note


def test_the_worst_is_never_below_any_group():
    rng = np.random.default_rng(0)
    real, copy = predicted(RIGHT + rng.normal(0, 1, 400)), predicted(rng.random(400))
    groups = {"first": FIRST, "second": ~FIRST, "all": np.ones(400, dtype=bool)}
    worst = worst_group_loss(real, copy, groups).value
    each = [worst_group_loss(real, copy, {name: inside}).value for name, inside in groups.items()]
    assert worst == max(each)
