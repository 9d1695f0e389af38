"""Numbers of visits and times between them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dpsynth.data.records import Records
from dpsynth.evaluation.fidelity.gaps import gap_ks, gap_wasserstein, gaps_of
from dpsynth.evaluation.fidelity.lengths import length_tv, length_wasserstein
from dpsynth.evaluation.fidelity.patient_gaps import patient_gap_ks


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
    assert not length_wasserstein(whole, whole, grid_codec).assessable


def test_numbers_of_visits_are_moved_by_as_many_visits(clinic_codec, make_tokens):
    # 0 1 1 2 against 1 1 2 4, in order: 1 + 0 + 1 + 2 over four patients.
    visit = [0, 3, 0]

    def made(counts: list[int]):
        return make_tokens([[0, 5, 0]] * len(counts), [[visit] * n for n in counts], clinic_codec)

    distance = length_wasserstein(made([0, 1, 1, 2]), made([1, 1, 2, 4]), clinic_codec)
    assert distance.value == pytest.approx(1.0)
    assert 0 <= distance.low <= 1 <= distance.high <= 4
    assert length_wasserstein(made([1, 2]), made([1, 2]), clinic_codec).value == 0.0
    assert not length_wasserstein(made([1, 2]), made([]), clinic_codec).assessable
    assert not length_wasserstein(made([]), made([1, 2]), clinic_codec).assessable


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


@pytest.mark.parametrize("metric", [gap_ks, gap_wasserstein, patient_gap_ks])
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


def test_mean_gaps_of_four_patients_by_hand(clinic_codec):
    # Means, real: 3 and 5; other: (4 + 8) / 2 = 6 and 4. F at 3, 4, 5: 1/2, 1/2, 1 against
    # 0, 1/2, 1/2: apart by 1/2.
    real, other = timed([[0, 2, 6], [0, 5], [0]]), timed([[0, 4, 12], [0, 4], []])
    assert patient_gap_ks(real, other, clinic_codec).value == pytest.approx(0.5)


def test_patients_who_come_often_and_seldom_are_missed_by_gaps_drawn_anew(clinic_codec):
    # Half come every day and half every ten; in the copy each gap is either, so that of 8 means
    # of three gaps 6 lie between: all gaps alike, 3/8 of the patients' means not. Noise of both
    # about 0.05 at 500 patients, each of three gaps.
    rng = np.random.default_rng(0)

    def made(gaps: np.ndarray) -> Records:
        return timed(np.cumsum(np.pad(gaps, ((0, 0), (1, 0))), axis=1).tolist())

    kinds = np.array([1.0, 10.0])
    own, new = (
        kinds[rng.integers(0, 2, (500, 1))].repeat(3, axis=1),
        kinds[rng.integers(0, 2, (500, 3))],
    )
    real, copy = made(own), made(new)
    assert gap_ks(real, copy, clinic_codec).value < 0.2
    assert patient_gap_ks(real, copy, clinic_codec).low > 0.2


def test_patients_without_second_visits_have_no_mean_gap(clinic_codec):
    real, other = timed([[0, 2], [0, 4]]), timed([[0], []])
    assert patient_gap_ks(real, other, clinic_codec).value == 1.0
    assert not patient_gap_ks(other, real, clinic_codec).assessable
    assert patient_gap_ks(real, timed([]), clinic_codec).value == 1.0
    assert patient_gap_ks(real, other, clinic_codec) == patient_gap_ks(real, other, clinic_codec)
