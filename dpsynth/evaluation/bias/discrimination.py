"""For whom is a model from the copy worse?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from dpsynth.evaluation.bias.support import unsupported
from dpsynth.evaluation.estimate import (
    REPLICATES,
    Estimate,
    bootstrap_estimate,
    not_assessable,
    patient_weights,
    weighted_auc,
)
from dpsynth.evaluation.utility.predictions import Predicted

Again = tuple[Sequence[Predicted], Sequence[Predicted]]  # of the first model, and of the second
NEVER: Again = ((), ())
Sides = tuple[tuple[Predicted, Again], ...]  # models, each with what is trained again beside it


def sample_weights(predicted: Predicted, replicates: int, seed: int) -> np.ndarray:
    """(replicates, samples) how often each sample's patient was drawn."""
    return _drawn(predicted.patients, replicates, seed)[:, predicted.patient]


@lru_cache(maxsize=1)
def _drawn(patients: int, replicates: int, seed: int) -> np.ndarray:
    """The patients' weights; the last are kept, since every group is judged by the same."""
    return patient_weights(patients, replicates, np.random.default_rng(seed))


def replicate_auc(predicted: Predicted, inside: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(replicates,) AUC among the samples of those patients."""
    kept = inside[predicted.patient]
    return weighted_auc(predicted.y[kept], predicted.score[kept], weights[:, kept])


def over_trainings(
    replicated: Callable[[Predicted, np.ndarray], np.ndarray],
    predicted: Predicted,
    again: Sequence[Predicted],
    weights: np.ndarray,
    every: int = 1,
) -> np.ndarray:
    """(replicates,) of a model, and of the same model trained again on resampled patients.

    Row 0 is the model's own. The others hold the models that were trained again in turn, so that
    the chance of training is in their spread beside that of the judged patients.

    Args:
        replicated: (predicted, weights) -> (replicates,).
        predicted: predictions of the model.
        again: of the same kind of model, each trained on patients drawn with replacement from
            those that it was trained on; without any, the model is held fixed.
        weights: (replicates, samples).
        every: rows in a row that one model keeps: 1, and len(again) for a second side, so that
            each meets each.
    """
    if not again:
        return replicated(predicted, weights)
    turn = np.arange(len(weights)) // every % len(again)
    values = np.empty(len(weights))
    for place, each in enumerate(again):
        values[turn == place] = replicated(each, weights[turn == place])
    values[0] = replicated(predicted, weights[:1])[0]
    return values


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
        Fewer cases, non-cases or patients than `support` asks for: not assessable.
    """
    members = int(inside.sum())
    why = unsupported(predicted, inside)
    if why:
        return not_assessable(why, members)
    values = replicate_auc(predicted, inside, sample_weights(predicted, replicates, seed))
    return bootstrap_estimate(values, members, (0.0, 1.0), predicted.note)


def auc_loss(
    real: Predicted,
    synthetic: Predicted,
    inside: np.ndarray,
    *,
    again: Again = NEVER,
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
        again: predictions of both, trained again on resampled patients (`over_trainings`);
            without any, the interval leaves out the chance of training.
        replicates: bootstrap replicates over holdout patients, the same for both models.
        seed: of the bootstrap.

    Returns:
        0: nothing lost; 0.5: from perfect to chance; below 0: gained.

    Errors:
        Fewer cases, non-cases or patients than `support` asks for: not assessable.
    """
    members = int(inside.sum())
    why = unsupported(real, inside)
    if why:
        return not_assessable(why, members)
    weights = sample_weights(real, replicates, seed)

    def aucs(predicted: Predicted, drawn: np.ndarray) -> np.ndarray:
        return replicate_auc(predicted, inside, drawn)

    values = over_trainings(aucs, real, again[0], weights, max(len(again[1]), 1))
    values = values - over_trainings(aucs, synthetic, again[1], weights)
    return bootstrap_estimate(values, members, (-1.0, 1.0), synthetic.note)
