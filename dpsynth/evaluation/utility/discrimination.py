"""Ranking: does a model trained on the copy put real cases before real non-cases?"""

from __future__ import annotations

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.data.records import Records
from dpsynth.evaluation.estimate import (
    REPLICATES,
    Estimate,
    bootstrap_estimate,
    not_assessable,
    patient_weights,
    weighted_auc,
)
from dpsynth.evaluation.utility.boosting import Predicted, predict
from dpsynth.evaluation.utility.task import task
from dpsynth.schema import Label


def auc(predicted: Predicted, *, replicates: int = REPLICATES, seed: int = 0) -> Estimate:
    """Area under the ROC curve of predictions on real holdout patients.

    Args:
        predicted: predictions of a model trained elsewhere.
        replicates: bootstrap replicates over holdout patients.
        seed: of the bootstrap.

    Returns:
        1: every case is ranked before every non-case; 0.5: chance. The interval is over
        holdout patients, given the trained model: it leaves out the chance of training.

    Errors:
        One class in the training label: 0.5 with a note. One class in the holdout: not
        assessable.
    """
    if not predicted.y.any() or predicted.y.all():
        return not_assessable("the holdout's label has one class only", predicted.patients)
    rng = np.random.default_rng(seed)
    weights = patient_weights(predicted.patients, replicates, rng)[:, predicted.patient]
    values = weighted_auc(predicted.y, predicted.score, weights)
    return bootstrap_estimate(values, predicted.patients, (0.0, 1.0), predicted.note)


def tstr_auc(
    synthetic: Records | Tokens,
    holdout: Records | Tokens,
    codec: Codec,
    label: Label,
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Estimate:
    """Train on synthetic, test on real: the AUC of boosting for the schema's label.

    Scenario:
        A researcher who has the copy only trains a model and brings it to the hospital.

    Args:
        synthetic: what the model is trained on (real training data give `trtr_auc`).
        holdout: real patients that nothing was trained on.
        codec: public code books, for the features.
        label: the schema's label.
        replicates: bootstrap replicates over holdout patients.
        seed: of the classifier and the bootstrap.

    Returns:
        See `auc`; hold it against `trtr_auc` and 0.5.

    Raises:
        SchemaError: if the label fits no column.

    Reference: Esteban, Hyland, Rätsch, Real-valued medical time series generation, 2017.
    """
    train, test = task(synthetic, codec, label), task(holdout, codec, label)
    return auc(predict(train, test, seed=seed), replicates=replicates, seed=seed)


def trtr_auc(
    train: Records | Tokens,
    holdout: Records | Tokens,
    codec: Codec,
    label: Label,
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Estimate:
    """Train on real, test on real: the reference of `tstr_auc`, by the same code."""
    return tstr_auc(train, holdout, codec, label, replicates=replicates, seed=seed)
