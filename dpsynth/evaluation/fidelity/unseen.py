"""Changes from visit to visit that no real patient shows."""

from __future__ import annotations

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.evaluation.estimate import (
    REPLICATES,
    Estimate,
    bootstrap_estimate,
    not_assessable,
    patient_weights,
    wilson,
)
from dpsynth.evaluation.fidelity.tables import transitions


def unseen_transitions(
    real: Tokens, other: Tokens, codec: Codec, *, replicates: int = REPLICATES, seed: int = 0
) -> Estimate:
    """Rate of transitions that never occur among the training patients.

    Scenario:
        A clinician reads the copy and meets a change that nobody has ever seen, such as from
        palliative care to a check-up. Some are merely rare, so the rate of patients held out
        is the mark. Whatever is judged, the training patients are the same: the fewer there
        are, the more is unseen. Rates are averaged over visit columns, and each of a patient's
        transitions in a column weighs the same, together 1.

    Args:
        real: the training patients, all of them.
        other: synthetic patients, or real ones held out for the reference.
        codec: public code books; a transition is a pair of codes of two visits in a row.
        replicates: bootstrap replicates over patients of `other`; the training patients stay.
        seed: of the bootstrap.

    Returns:
        0: every change was seen in training, as in a plain copy of it; 1: none was. `n` is the
        number of patients with two visits.

    Errors:
        Nobody in a data set has a second visit: not assessable.
    """
    shares = []
    for a, b in zip(transitions(real, codec), transitions(other, codec), strict=True):
        if not len(a.cell) or not len(b.cell):
            continue
        entries = np.bincount(b.who, minlength=len(other))
        strange = np.bincount(b.who, ~np.isin(b.cell, a.cell), minlength=len(other))
        shares.append(np.where(entries > 0, strange / np.maximum(entries, 1), np.nan))
    if not shares:
        return not_assessable("a data set without a second visit", len(other))
    rates = np.array(shares, dtype=np.float32).T
    known = np.isfinite(rates)
    weights = patient_weights(len(other), replicates, np.random.default_rng(seed))
    total = weights @ known.astype(np.float32)
    columns = weights @ np.where(known, rates, 0) / np.maximum(total, 1e-9)  # 0 where nobody is
    drawn = (total > 0).sum(axis=1)
    values = np.where(drawn > 0, columns.sum(axis=1) / np.maximum(drawn, 1), np.nan)
    n = int(known.any(axis=1).sum())
    made = bootstrap_estimate(values, n, (0.0, 1.0))
    if made.value > 0:
        return made
    # No patient drawn again shows what none shows: the interval is that of 0 of n patients.
    return Estimate(0.0, 0.0, wilson(0, n).high, n)
