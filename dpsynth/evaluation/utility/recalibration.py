"""Recalibration: by how much must predicted chances be moved and stretched to be right?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import expit, logit

from dpsynth.evaluation.estimate import (
    REPLICATES,
    Estimate,
    bootstrap_estimate,
    not_assessable,
    patient_weights,
    subsample,
)
from dpsynth.evaluation.utility.predictions import Predicted

SAMPLES = 20_000  # judged at most (visits may be samples); more are drawn down at random
SURE = 1e-6  # a chance nearer to 0 or 1 is taken as this near
STEPS = 30  # of Newton's method
FAR = 100.0  # a slope or intercept beyond means that there is none


def calibration_slope(
    predicted: Predicted, *, replicates: int = REPLICATES, seed: int = 0
) -> Estimate:
    """Slope of the holdout's outcome on the logit of the predicted chance.

    Scenario:
        A hospital uses chances from a model that was trained on the copy. The outcome of its
        patients is regressed, by logistic regression, on their logit.

    Args:
        predicted: predictions of a model trained elsewhere.
        replicates: bootstrap replicates over holdout patients.
        seed: of the bootstrap.

    Returns:
        1: right; below 1: too extreme, as of a model that learnt noise; 0: they say nothing;
        above 1: too timid.

    Errors:
        One class in the holdout, equal chances for all, or chances that part cases from
        non-cases without fail: not assessable.

    Reference: Van Calster et al., Calibration: the Achilles heel of predictive analytics, BMC
    Medicine 17, 2019.
    """
    predicted = _capped(predicted, seed)
    why = _unfit(predicted)
    scores = logit(np.clip(predicted.score, SURE, 1 - SURE))
    if not why and np.ptp(scores) < SURE:
        why = "the predicted chances are all equal"
    if why:
        return not_assessable(why, predicted.patients)
    weights = _weights(predicted, replicates, seed)
    slopes = recalibrated(predicted.y, scores, weights)[:, 1]
    note = predicted.note or ("" if np.isfinite(slopes[0]) else "cases and others never overlap")
    return bootstrap_estimate(slopes, predicted.patients, note=note)


def calibration_intercept(
    predicted: Predicted, *, replicates: int = REPLICATES, seed: int = 0
) -> Estimate:
    """Intercept of the same regression when the slope is held at 1: calibration in the large.

    Args:
        predicted: predictions of a model trained elsewhere.
        replicates: bootstrap replicates over holdout patients.
        seed: of the bootstrap.

    Returns:
        0: the chances are right on average; above 0: too low for real patients, below: too
        high. In log odds: 0.7 means that the odds must be doubled.

    Errors:
        One class in the holdout: not assessable.

    Reference: as of `calibration_slope`.
    """
    predicted = _capped(predicted, seed)
    why = _unfit(predicted)
    if why:
        return not_assessable(why, predicted.patients)
    scores = logit(np.clip(predicted.score, SURE, 1 - SURE))
    weights = _weights(predicted, replicates, seed)
    found = moved(predicted.y, scores, weights)
    return bootstrap_estimate(found, predicted.patients, note=predicted.note)


def recalibrated(y: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Logistic regression of y on scores, without penalty, for every row of weights.

    All replicates take Newton's steps together; statsmodels gives the same (see the tests),
    one replicate at a time.

    Shape:
        y: (samples,) bool
        scores: (samples,)
        weights: (replicates, samples)
        return: (replicates, 2) intercept and slope, NaN where they don't exist
    """
    middle, spread = scores.mean(), max(float(scores.std()), SURE)
    x = (scores - middle) / spread
    found = np.zeros((len(weights), 2))
    with np.errstate(all="ignore"):
        for _ in range(STEPS):
            chance = expit(found[:, :1] + found[:, 1:] * x)
            off, bend = weights * (y - chance), weights * chance * (1 - chance)
            g = np.stack([off.sum(axis=1), off @ x])
            h = np.stack([bend.sum(axis=1), bend @ x, bend @ x**2])
            step = np.stack([h[2] * g[0] - h[1] * g[1], h[0] * g[1] - h[1] * g[0]], axis=1)
            step /= (h[0] * h[2] - h[1] ** 2)[:, None]
            found += np.clip(step, -5, 5)
            if not (np.abs(step) > 1e-9).any():
                break
        slope = found[:, 1] / spread
        made = np.stack([found[:, 0] - slope * middle, slope], axis=1)
        made[~(np.abs(step) < 1e-3).all(axis=1) | ~(np.abs(made) < FAR).all(axis=1)] = np.nan
    return made


def moved(y: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(replicates,) what must be added to the scores so that chances are right on average."""
    found = np.zeros(len(weights))
    with np.errstate(all="ignore"):
        for _ in range(STEPS):
            chance = expit(found[:, None] + scores)
            step = (weights * (y - chance)).sum(axis=1)
            step /= (weights * chance * (1 - chance)).sum(axis=1)
            found += np.clip(step, -5, 5)
            if not (np.abs(step) > 1e-9).any():
                break
    return np.where(np.abs(found) < FAR, found, np.nan)


def _capped(predicted: Predicted, seed: int) -> Predicted:
    kept = subsample(len(predicted.y), SAMPLES, np.random.default_rng(seed))
    parts = {name: getattr(predicted, name)[kept] for name in ("y", "score", "patient")}
    return replace(predicted, **parts)


def _unfit(predicted: Predicted) -> str:
    one = not predicted.y.any() or predicted.y.all()
    return "the holdout's label has one class only" if one else ""


def _weights(predicted: Predicted, replicates: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return patient_weights(predicted.patients, replicates, rng)[:, predicted.patient]
