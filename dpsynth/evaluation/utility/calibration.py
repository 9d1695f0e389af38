"""Calibration: are the predicted chances right?"""

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


def brier(predicted: Predicted, *, replicates: int = REPLICATES, seed: int = 0) -> Estimate:
    """Brier score: mean squared error of predicted chances on real holdout patients.

    Args:
        predicted: predictions of a model trained elsewhere.
        replicates: bootstrap replicates over holdout patients.
        seed: of the bootstrap.

    Returns:
        0: certain and right; 1: certain and wrong; p(1 - p) for always saying the cases'
        share p.

    Errors:
        No sample in the holdout: not assessable.
    """
    if not len(predicted.y):
        return not_assessable("the holdout has no sample", predicted.patients)
    rng = np.random.default_rng(seed)
    weights = patient_weights(predicted.patients, replicates, rng)[:, predicted.patient]
    total = weights.sum(axis=1)
    values = weights @ (predicted.score - predicted.y) ** 2 / np.where(total > 0, total, np.nan)
    return bootstrap_estimate(values, predicted.patients, (0.0, 1.0), predicted.note)
