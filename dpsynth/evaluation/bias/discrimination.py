"""For whom is a model from the copy worse?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dpsynth.evaluation.estimate import (
    REPLICATES,
    Estimate,
    bootstrap_estimate,
    not_assessable,
    patient_weights,
    weighted_auc,
)
from dpsynth.evaluation.utility.boosting import Predicted

EVENTS = 50  # cases and non-cases that a group needs at least


def too_few(y: np.ndarray) -> str:
    """Why a group with these labels is not assessable, empty if it is."""
    fewer = int(min(y.sum(), (~y).sum()))
    return f"{fewer} events, fewer than {EVENTS}" if fewer < EVENTS else ""


def sample_weights(predicted: Predicted, replicates: int, seed: int) -> np.ndarray:
    """(replicates, samples) how often each sample's patient was drawn."""
    rng = np.random.default_rng(seed)
    return patient_weights(predicted.patients, replicates, rng)[:, predicted.patient]


def replicate_auc(predicted: Predicted, inside: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(replicates,) AUC among the samples of those patients."""
    kept = inside[predicted.patient]
    return weighted_auc(predicted.y[kept], predicted.score[kept], weights[:, kept])


def group_auc(
    predicted: Predicted,
    inside: np.ndarray,
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Estimate:
    """AUC among the holdout patients of one group.

    Args:
        predicted: predictions of a model trained elsewhere.
        inside: (holdout patients,) whether each belongs to the group.
        replicates: bootstrap replicates over holdout patients.
        seed: of the bootstrap.

    Returns:
        1: every case of the group ranked before every non-case of it; 0.5: chance. n is the
        number of patients in the group.

    Errors:
        Fewer than EVENTS cases or non-cases in the group: not assessable.
    """
    members = int(inside.sum())
    why = too_few(predicted.y[inside[predicted.patient]])
    if why:
        return not_assessable(why, members)
    values = replicate_auc(predicted, inside, sample_weights(predicted, replicates, seed))
    return bootstrap_estimate(values, members, (0.0, 1.0), predicted.note)


def auc_loss(
    real: Predicted,
    synthetic: Predicted,
    inside: np.ndarray,
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Estimate:
    """AUC that a group loses because the model was trained on the copy.

    Scenario:
        The same holdout patients are judged by a model from real training data and by one
        from the copy. What both do worse in a group was there before; only the difference
        is the copy's doing.

    Args:
        real: predictions of the model trained on real data.
        synthetic: predictions of the model trained on the copy, for the same samples.
        inside: (holdout patients,) whether each belongs to the group.
        replicates: bootstrap replicates over holdout patients, the same for both models.
        seed: of the bootstrap.

    Returns:
        0: nothing lost; 0.5: from perfect to chance; below 0: gained.

    Errors:
        Fewer than EVENTS cases or non-cases in the group: not assessable.
    """
    members = int(inside.sum())
    why = too_few(real.y[inside[real.patient]])
    if why:
        return not_assessable(why, members)
    weights = sample_weights(real, replicates, seed)
    values = replicate_auc(real, inside, weights) - replicate_auc(synthetic, inside, weights)
    return bootstrap_estimate(values, members, (-1.0, 1.0), synthetic.note)


def auc_gap(
    predicted: Predicted,
    insides: Sequence[np.ndarray],
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Estimate:
    """Best minus worst AUC over the assessable groups of one attribute.

    Args:
        predicted: predictions of a model trained elsewhere.
        insides: per group, (holdout patients,) whether each belongs to it.
        replicates: bootstrap replicates over holdout patients.
        seed: of the bootstrap.

    Returns:
        0: all groups alike. Chance alone keeps it above 0: hold it against the model trained
        on real data. n is the number of patients in assessable groups.

    Errors:
        Fewer than two assessable groups: not assessable.
    """
    held = [each for each in insides if not too_few(predicted.y[each[predicted.patient]])]
    members = int(sum(each.sum() for each in held))
    if len(held) < 2:
        return not_assessable("fewer than two groups with enough events", members)
    weights = sample_weights(predicted, replicates, seed)
    values = np.array([replicate_auc(predicted, each, weights) for each in held])
    return bootstrap_estimate(np.ptp(values, axis=0), members, (0.0, 1.0), predicted.note)
