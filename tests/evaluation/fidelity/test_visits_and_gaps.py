"""Numbers of visits and times between them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dpsynth.data.records import Records
from dpsynth.evaluation.fidelity.gaps import gap_ks, gap_wasserstein, gaps_of
from dpsynth.evaluation.fidelity.lengths import length_tv


def timed(times: list[list[float]]) -> Records:
    """Patients with visits at those times and nothing else."""
    rows = [(patient, at) for patient, each in enumerate(times) for at in each]
    visits = pd.DataFrame(rows, columns=["patient", "time"]).astype({"time": float})
    keys = np.arange(len(times)).astype(str).astype(object)
    return Records(keys, pd.DataFrame(index=range(len(times))), visits)


def test_numbers_of_visits_of_four_patients(clinic_codec, make_tokens):
    # 0 1 1 2 against 1 1 2 2: one of four patients to be moved.
    visit = [0, 3, 0]

    def made(counts: list[int]):
        return make_tokens([[0, 5, 0]] * 4, [[visit] * n for n in counts], clinic_codec)

    assert length_tv(made([0, 1, 1, 2]), made([1, 1, 2, 2]), clinic_codec).value == 0.25


def test_a_grid_has_no_number_of_visits(grid_codec, make_tokens):
    whole = make_tokens([[0]] * 2, [[[0], [0], [0]]] * 2, grid_codec)
    assert not length_tv(whole, whole, grid_codec).assessable


def test_gaps_do_not_cross_patients_and_end_at_the_maximum(clinic_codec):
    made = gaps_of(timed([[0, 3, 7], [], [5], [0, 1, 2, 3, 99]]), clinic_codec)
    assert made.gap.tolist() == [3, 4, 1, 1, 1]  # the fifth visit is beyond max_visits = 4
    assert made.who.tolist() == [0, 0, 3, 3, 3]
    assert made.patients == 4


def test_gaps_of_four_patients_by_hand(clinic_codec):
    # real: 2 and 4, one each; other: patient 0 has 4, 4 (1/2 each), patient 1 has 8.
    # F at 2, 4, 8: 1/2, 1, 1 against 0, 1/2, 1: KS 1/2; 1/2 * 2 + 1/2 * 4 = 3 days.
    real, other = timed([[0, 2], [0, 4]]), timed([[0, 4, 8], [0, 8]])
    assert gap_ks(real, other, clinic_codec).value == pytest.approx(0.5)
    assert gap_wasserstein(real, other, clinic_codec).value == pytest.approx(3.0)


@pytest.mark.parametrize("metric", [gap_ks, gap_wasserstein])
def test_identical_gaps_have_distance_zero(metric, clinic, clinic_codec):
    records = clinic(80, 1)
    made = metric(records, records, clinic_codec)
    assert made.value == pytest.approx(0.0, abs=1e-5)
    assert made.low >= 0


def test_many_distinct_gaps_agree_with_scipy(clinic_codec):
    # One gap each, so that all gaps weigh the same; 1,000 points cost less than 0.002.
    from scipy.stats import ks_2samp, wasserstein_distance

    rng = np.random.default_rng(0)
    a, b = rng.gamma(2, 10, 1500), rng.gamma(2, 12, 1500)
    real, other = timed([[0.0, g] for g in a]), timed([[0.0, g] for g in b])
    ks = gap_ks(real, other, clinic_codec, replicates=20)
    assert ks.value == pytest.approx(ks_2samp(a, b).statistic, abs=2e-3)
    moved = gap_wasserstein(real, other, clinic_codec, replicates=20)
    assert moved.value == pytest.approx(wasserstein_distance(a, b), rel=0.02)


def test_a_copy_without_second_visits_is_the_greatest_distance(clinic_codec):
    real, other = timed([[0, 2], [0, 4]]), timed([[0], []])
    assert gap_ks(real, other, clinic_codec).value == 1.0
    assert not gap_wasserstein(real, other, clinic_codec).assessable
    assert not gap_ks(other, real, clinic_codec).assessable
    assert gap_ks(real, timed([]), clinic_codec).value == 1.0
