"""Decisions: is a threshold that was set on the copy right for real patients?"""

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


def balanced_accuracy(
    predicted: Predicted, *, replicates: int = REPLICATES, seed: int = 0
) -> Estimate:
    """Mean of sensitivity and specificity at the threshold taken from the training data.

    Scenario:
        A researcher calls a patient a case if the predicted chance exceeds the share of
        cases in the copy. A copy with a wrong share sets a wrong threshold.

    Args:
        predicted: predictions of a model trained elsewhere.
        replicates: bootstrap replicates over holdout patients.
        seed: of the bootstrap.

    Returns:
        1: every decision right; 0.5: chance.

    Errors:
        One class in the holdout: not assessable.
    """
    if not predicted.y.any() or predicted.y.all():
        return not_assessable("the holdout's label has one class only", predicted.patients)
    rng = np.random.default_rng(seed)
    weights = patient_weights(predicted.patients, replicates, rng)[:, predicted.patient]
    called, y = predicted.score > predicted.threshold, predicted.y
    sides = [_share(weights, called, y), _share(weights, ~called, ~y)]
    return bootstrap_estimate(
        (sides[0] + sides[1]) / 2, predicted.patients, (0.0, 1.0), predicted.note
    )


def _share(weights: np.ndarray, right: np.ndarray, among: np.ndarray) -> np.ndarray:
    total = weights[:, among].sum(axis=1)
    return weights[:, among & right].sum(axis=1) / np.where(total > 0, total, np.nan)
