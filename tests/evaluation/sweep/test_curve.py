"""The curve over seeds, worked by hand."""

from __future__ import annotations

import math

import pytest

from dpsynth.evaluation.estimate import Estimate, not_assessable
from dpsynth.evaluation.sweep import Measured, cells
from dpsynth.evaluation.sweep.curve import cell


def of(*estimates, metric="tv1", group=None):
    return cell("log-linear", 1.0, metric, group, estimates)


def test_an_interval_over_seeds_worked_by_hand():
    # Values 0.1, 0.2, 0.3: mean 0.2, standard deviation 0.1, t(0.975, 2) = 4.3027:
    # half = 4.3027 * 0.1 / sqrt(3) = 0.24842. Clipped at 0 below.
    found = of(*(Estimate(v, v - 0.03, v + 0.04, 50) for v in (0.1, 0.2, 0.3)))
    assert found.value == pytest.approx(0.2)
    assert found.high == pytest.approx(0.44842, abs=1e-5)
    assert found.low == 0.0
    # Patients' 0.04 is independent of it: sqrt(0.24842^2 + 0.04^2) = 0.25162.
    assert found.most == pytest.approx(0.45162, abs=1e-5)
    assert (found.seeds, found.n) == (3, 50)


def test_of_one_seed_the_interval_is_that_over_patients():
    found = of(Estimate(0.2, 0.15, 0.3, 80))
    assert (found.low, found.high, found.least, found.most) == (
        pytest.approx(0.15),
        pytest.approx(0.3),
        pytest.approx(0.15),
        pytest.approx(0.3),
    )
    assert found.seeds == 1


def test_a_loss_may_lie_below_0_and_a_distance_may_not():
    pair = (Estimate(0.0, -0.1, 0.1, 9), Estimate(0.02, -0.1, 0.1, 9))
    assert of(*pair, metric="auc_loss").least < 0
    assert of(*pair, metric="tv1").least == 0


def test_one_seed_that_can_not_be_assessed_leaves_none():
    found = of(Estimate(0.2, 0.1, 0.3, 9), not_assessable("4 events, fewer than 50", 9))
    assert not found.assessable and math.isnan(found.low) and math.isnan(found.most)
    assert found.note == "4 events, fewer than 50"
    public = found.public()
    assert public["value"] is None and public["most"] is None


def test_models_epsilons_measures_and_groups_have_cells_of_their_own():
    half = [Measured(metric="auc_loss", estimate=Estimate(0.1, 0.0, 0.2, 9))]
    both = [*half, Measured(metric="auc_loss", group="sex f", estimate=Estimate(0.3, 0, 0.4, 5))]
    found = cells([("a", 1.0, both), ("a", math.inf, half), ("b", 1.0, half), ("a", 1.0, both)])
    seen = [(c.model, c.epsilon, c.group, c.seeds) for c in found]
    assert seen == [
        ("a", 1.0, None, 2),
        ("a", 1.0, "sex f", 2),
        ("a", math.inf, None, 1),
        ("b", 1.0, None, 1),
    ]
    assert found[2].public()["epsilon"] is None


def test_a_measure_survives_its_file():
    for estimate in (Estimate(0.5, 0.25, 0.75, 8, "a note"), not_assessable("why", 3)):
        made = Measured(metric="tv1", group="sex f", estimate=estimate)
        again = Measured.from_public(made.public())
        assert again.public() == made.public()
        assert again.estimate.assessable == estimate.assessable
