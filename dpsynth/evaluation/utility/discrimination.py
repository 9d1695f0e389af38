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
from dpsynth.evaluation.utility.predictions import Predicted, predict
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


def auc_gain(
    first: Predicted,
    second: Predicted,
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Estimate:
    """How much better the first model ranks the same real holdout patients than the second.

    Scenario:
        Two copies, one classifier from each. Both judge the same patients, so the interval is
        taken on the same resamples for both, and what makes patients hard for both cancels.

    Args:
        first, second: predictions of two models for the same samples.
        replicates: bootstrap replicates over holdout patients.
        seed: of the bootstrap.

    Returns:
        AUC(first) - AUC(second); 0: alike. An interval above 0: the first is better.

    Errors:
        One class in the holdout: not assessable.
    """
    if not first.y.any() or first.y.all():
        return not_assessable("the holdout's label has one class only", first.patients)
    rng = np.random.default_rng(seed)
    weights = patient_weights(first.patients, replicates, rng)[:, first.patient]
    values = weighted_auc(first.y, first.score, weights)
    values = values - weighted_auc(second.y, second.score, weights)
    return bootstrap_estimate(values, first.patients, (-1.0, 1.0), first.note or second.note)


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
