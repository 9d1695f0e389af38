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
    X, y = mixed(real, other, codec, each, rng)
    score = np.empty(len(y))
    for fit, ask in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(X, y):
        score[ask] = suspicion(X[fit], y[fit], X[ask], seed)
    weights = patient_weights(len(y), replicates, rng)
    note = f"{each} patients of each kind" if each == PATIENTS else ""
    return bootstrap_estimate(weighted_auc(y, score, weights), each, (0.0, 1.0), note)


def mixed(
    real: Tokens, other: Tokens, codec: Codec, each: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Features of `each` patients of both kinds, drawn at random, and whether of `other`."""
    rows = [history(t.take(subsample(len(t), each, rng)), codec)[0] for t in (real, other)]
    return np.concatenate(rows), np.repeat([False, True], each)


def suspicion(X: np.ndarray, y: np.ndarray, asked: np.ndarray, seed: int) -> np.ndarray:
    """How likely boosting that learned from (X, y) thinks each asked patient is of `other`."""
    held = ~np.isnan(X).all(axis=0)
    if not held.any():
        return np.full(len(asked), 0.5)
    model = HistGradientBoostingClassifier(
        max_iter=60, max_leaf_nodes=15, early_stopping=False, random_state=seed
    )
    return model.fit(X[:, held], y).predict_proba(asked[:, held])[:, 1]
