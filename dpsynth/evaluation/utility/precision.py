"""Precision: of those a model names first, how many are real cases?"""

from __future__ import annotations

import numpy as np

from dpsynth.evaluation.estimate import (
    REPLICATES,
    Estimate,
    bootstrap_estimate,
    not_assessable,
    patient_weights,
)
from dpsynth.evaluation.utility.predictions import Predicted


def auprc(predicted: Predicted, *, replicates: int = REPLICATES, seed: int = 0) -> Estimate:
    """Area under the precision-recall curve (average precision), on real holdout patients.

    Args:
        predicted: predictions of a model trained elsewhere.
        replicates: bootstrap replicates over holdout patients.
        seed: of the bootstrap.

    Returns:
        1: all cases first; chance is the cases' share, not 0.5. Equal scores count together.

    Errors:
        No case in the holdout: not assessable.
    """
    if not predicted.y.any():
        return not_assessable("the holdout has no case", predicted.patients)
    rng = np.random.default_rng(seed)
    weights = patient_weights(predicted.patients, replicates, rng)[:, predicted.patient]
    order = np.argsort(-predicted.score, kind="stable")
    starts = np.flatnonzero(np.diff(predicted.score[order], prepend=np.nan) != 0)
    sums = weights[:, order].astype(np.float64)
    cases = np.add.reduceat(sums * predicted.y[order], starts, axis=1)
    named = np.cumsum(np.add.reduceat(sums, starts, axis=1), axis=1)
    found, total = np.cumsum(cases, axis=1), cases.sum(axis=1)
    precision = found / np.maximum(named, 1e-12)
    values = np.where(total > 0, (cases * precision).sum(axis=1), np.nan)
    values /= np.where(total > 0, total, 1.0)
    return bootstrap_estimate(values, predicted.patients, (0.0, 1.0), predicted.note)
