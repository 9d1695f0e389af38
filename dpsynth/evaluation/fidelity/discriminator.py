"""Can a classifier tell synthetic patients from real ones?"""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold

from dpsynth.data.codec import Codec, Tokens
from dpsynth.evaluation.estimate import (
    REPLICATES,
    Estimate,
    bootstrap_estimate,
    not_assessable,
    patient_weights,
    subsample,
    weighted_auc,
)
from dpsynth.evaluation.utility.task import history

PATIENTS = 2000  # of each kind, at most
FOLDS = 3


def c2st_auc(
    real: Tokens, other: Tokens, codec: Codec, *, replicates: int = REPLICATES, seed: int = 0
) -> Estimate:
    """Classifier two-sample test: AUC of boosting that tells `other` from `real`.

    Scenario:
        A sceptic gets real and synthetic patients in equal number, learns what sets them
        apart on two thirds and guesses the last third, three times. A patient with all
        visits is one row, so no patient stands on both sides. At most PATIENTS of each kind
        are used, chosen at random.

    Args:
        real: real patients, usually the holdout.
        other: synthetic patients, or other real ones for the reference.
        codec: public code books.
        replicates: bootstrap replicates over patients, given the classifier.
        seed: of the choice, the folds and the bootstrap.

    Returns:
        0.5: can't be told apart; 1: always. Falls below 0.5 only by chance, or where `other`
        holds copies of patients in `real`.

    Errors:
        Fewer than 2 * FOLDS patients of a kind: not assessable.

    Reference: Lopez-Paz and Oquab, Revisiting classifier two-sample tests, ICLR 2017.
    """
    rng = np.random.default_rng(seed)
    each = min(len(real), len(other), PATIENTS)
    if each < 2 * FOLDS:
        return not_assessable("too few patients", each)
    rows = [history(t.take(subsample(len(t), each, rng)), codec)[0] for t in (real, other)]
    X, y = np.concatenate(rows), np.repeat([False, True], each)
    X = X[:, ~np.isnan(X).all(axis=0)]
    score = np.full(len(y), 0.5)
    if X.shape[1]:
        score = _cross_fitted(X, y, seed)
    weights = patient_weights(len(y), replicates, rng)
    note = f"{each} patients of each kind" if each == PATIENTS else ""
    return bootstrap_estimate(weighted_auc(y, score, weights), each, (0.0, 1.0), note)


def _cross_fitted(X: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    score = np.empty(len(y))
    for fit, ask in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(X, y):
        held = ~np.isnan(X[fit]).all(axis=0)
        model = HistGradientBoostingClassifier(
            max_iter=60, max_leaf_nodes=15, early_stopping=False, random_state=seed
        )
        score[ask] = model.fit(X[fit][:, held], y[fit]).predict_proba(X[ask][:, held])[:, 1]
    return score
