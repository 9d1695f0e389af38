"""How long each patient's visits lie apart."""

from __future__ import annotations

import numpy as np

from dpsynth.data.codec import Codec
from dpsynth.data.records import Records
from dpsynth.evaluation.estimate import REPLICATES, Estimate, bootstrap_estimate, not_assessable
from dpsynth.evaluation.fidelity.gaps import Gaps, gap_functions, gaps_of


def patient_gap_ks(
    real: Records, other: Records, codec: Codec, *, replicates: int = REPLICATES, seed: int = 0
) -> Estimate:
    """Kolmogorov-Smirnov distance between patients' mean times from visit to visit.

    Scenario:
        Some patients come every week and others once a year. A copy that draws each gap anew
        has all gaps right (`gap_ks`) and no such patient: everybody's mean is the same.
        Arguments and cut as in `gap_ks`.

    Returns:
        0: patients' means are distributed alike; 1: all of one lie below all of the other.

    Errors:
        No real patient with two visits: not assessable. No synthetic one: 1, with a note.
    """
    a, b = _means(gaps_of(real, codec)), _means(gaps_of(other, codec))
    if not len(a.gap):
        return not_assessable("no real patient has two visits", len(other))
    if not len(b.gap):
        return Estimate(1.0, 1.0, 1.0, len(other), "no synthetic patient has two visits")
    _, apart = gap_functions(a, b, replicates, seed)
    return bootstrap_estimate(np.abs(apart).max(axis=0), len(other), (0.0, 1.0))


def _means(gaps: Gaps) -> Gaps:
    """One gap for each patient who has any: the mean."""
    number = np.bincount(gaps.who, minlength=gaps.patients)
    total = np.bincount(gaps.who, gaps.gap, minlength=gaps.patients)
    who = np.flatnonzero(number)
    return Gaps(who, total[who] / number[who], gaps.patients)
