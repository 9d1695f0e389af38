"""Curves of models and attacks are those worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.evaluation.series import curves
from dpsynth.evaluation.utility.predictions import Predicted


def predicted(y, score, note="") -> Predicted:
    return Predicted(
        y=np.array(y, dtype=bool),
        score=np.array(score, dtype=float),
        patient=np.arange(len(y)),
        patients=len(y),
        threshold=0.5,
        note=note,
    )


def test_a_roc_curve_by_hand():
    # Cases 0.9 and 0.4, non-cases 0.6 and 0.1: one case before any non-case, both before 0.1.
    made = predicted([1, 1, 0, 0], [0.9, 0.4, 0.6, 0.1])
    plot = curves.roc(made, made, name="roc", title="x")
    copy, real, chance = plot.lines
    at = dict(zip(copy.x, copy.y, strict=True))
    assert (at[0.0], at[0.48], at[0.5], at[1.0]) == (0.5, 0.5, 1.0, 1.0)
    assert (copy.role, real.role, chance.role) == ("copy", "real", "control")
    assert list(copy.y) == sorted(copy.y)


def test_ties_are_a_straight_line_and_one_class_has_no_curve():
    tied = predicted([1, 0, 1, 0], [0.5] * 4)
    copy = curves.roc(tied, tied, name="roc", title="x").lines[0]
    assert copy.y == pytest.approx(copy.x)
    one = predicted([1, 1], [0.1, 0.2])
    assert curves.roc(one, one, name="roc", title="x") is None


def test_a_model_that_means_nothing_has_no_curve():
    good, none = predicted([1, 0] * 40, [0.9, 0.1] * 40), predicted([1, 0] * 40, [0.5] * 80, "no")
    for make in (curves.roc, curves.calibration):
        roles = [line.role for line in make(none, good, name="a", title="b").lines]
        assert roles == ["real", "control"]
    assert curves.calibration(none, none, name="a", title="b") is None


def test_calibration_is_the_share_of_cases_of_each_chance():
    # 60 samples at 0.25, a quarter of them cases; 60 at 0.75, half of them.
    y = [1, 0, 0, 0] * 15 + [1, 0] * 30
    made = predicted(y, [0.25] * 60 + [0.75] * 60)
    line = curves.calibration(made, made, name="calibration", title="x").lines[0]
    assert line.x == pytest.approx((0.25, 0.75))
    assert line.y == pytest.approx((0.25, 0.5))
    assert line.n == (60, 60)
    assert all(a < b < c for a, b, c in zip(line.low, line.y, line.high, strict=True))


def test_too_few_samples_have_no_calibration():
    few = predicted([1, 0] * 10, [0.9, 0.1] * 10)
    assert curves.calibration(few, few, name="calibration", title="x") is None
