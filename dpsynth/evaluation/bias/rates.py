"""What a model decides about a group: whom it calls positive, rightly or not.

Point values are fairlearn's; its bootstrap draws samples, ours patients, so intervals are ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from dpsynth.evaluation.bias.discrimination import sample_weights
from dpsynth.evaluation.bias.support import EVENTS, few_patients
from dpsynth.evaluation.estimate import (
    REPLICATES,
    Estimate,
    bootstrap_estimate,
    not_assessable,
    wilson,
)
from dpsynth.evaluation.utility.predictions import Predicted

# What is averaged, and over which samples: both (samples,).
Averaged = Callable[[Predicted], tuple[np.ndarray, np.ndarray]]


def selection(predicted: Predicted) -> tuple[np.ndarray, np.ndarray]:
    """Called positive, of all samples."""
    return predicted.score > predicted.threshold, np.ones(len(predicted.y), dtype=bool)


def recognition(predicted: Predicted) -> tuple[np.ndarray, np.ndarray]:
    """Called positive, of the cases."""
    return predicted.score > predicted.threshold, predicted.y


def false_alarm(predicted: Predicted) -> tuple[np.ndarray, np.ndarray]:
    """Called positive, of the non-cases."""
    return predicted.score > predicted.threshold, ~predicted.y


def overprediction(predicted: Predicted) -> tuple[np.ndarray, np.ndarray]:
    """Predicted chance minus outcome, of all samples."""
    return predicted.score - predicted.y, np.ones(len(predicted.y), dtype=bool)


def replicate_rate(
    averaged: Averaged, predicted: Predicted, inside: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """(replicates,) average among the samples of those patients, NaN where there is none."""
    what, over = averaged(predicted)
    kept = over & inside[predicted.patient]
    drawn = weights[:, kept]
    total = drawn.sum(axis=1)
    return drawn @ what[kept].astype(np.float32) / np.where(total > 0, total, np.nan)


def too_few(averaged: Averaged, predicted: Predicted, inside: np.ndarray) -> str:
    """Why that average is not assessable in a group, empty if it is."""
    samples = int((averaged(predicted)[1] & inside[predicted.patient]).sum())
    if samples < EVENTS:
        return f"{samples} to average over, fewer than {EVENTS}"
    return few_patients(int(inside.sum()))


RATES: dict[str, Averaged] = {
    "group_selection_rate": selection,
    "group_tpr": recognition,
    "group_fpr": false_alarm,
    "group_calibration": overprediction,
}


def group_rates(
    predicted: Predicted,
    insides: Sequence[np.ndarray],
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> list[dict[str, Estimate]]:
    """Decisions about each group of one attribute, by the name of the rate.

    Scenario:
        A hospital calls those positive whom the model gives more than the share of cases it
        was trained with. Are women called as often as men, are as many of the cases among
        them found, are they accused as often, are their chances said too high?

    Args:
        predicted: predictions of a model trained elsewhere.
        insides: for each group, (holdout patients,) whether each belongs to it; no patient
            in two.
        replicates: bootstrap replicates over holdout patients.
        seed: of the bootstrap.

    Returns:
        group_selection_rate: 0: nobody called positive; 1: everybody. group_tpr, group_fpr:
        the same of cases and of non-cases. group_calibration (in the large): 0: chances right
        on average; above 0: too high. n is the number of patients in the group. A rate of 0 or
        1 has Wilson's interval.

    Errors:
        Fewer than `support.EVENTS` samples to average over, or too few patients: not
        assessable.

    Reference: Hardt, Price, Srebro, Equality of opportunity in supervised learning, 2016;
    Weerts et al., Fairlearn, JMLR 24, 2023.
    """
    weights = sample_weights(predicted, replicates, seed)
    values = _by_fairlearn(predicted, insides)
    return [
        {
            name: _estimate(averaged, predicted, inside, weights, values[place][name])
            for name, averaged in RATES.items()
        }
        for place, inside in enumerate(insides)
    ]


def _estimate(
    averaged: Averaged,
    predicted: Predicted,
    inside: np.ndarray,
    weights: np.ndarray,
    value: float,
) -> Estimate:
    members, why = int(inside.sum()), too_few(averaged, predicted, inside)
    if why:
        return not_assessable(why, members)
    if averaged is not overprediction and value in (0.0, 1.0):
        return _never_or_always(averaged, predicted, inside, value)
    drawn = replicate_rate(averaged, predicted, inside, weights)
    drawn[0] = value
    return bootstrap_estimate(drawn, members, (-1.0, 1.0), predicted.note)


def _never_or_always(
    averaged: Averaged, predicted: Predicted, inside: np.ndarray, value: float
) -> Estimate:
    """A rate of 0 or 1 with Wilson's interval over patients.

    No resample of patients who were never called positive holds one who was: a bootstrap would
    be certain of 0: false positive rates of models from real patients and from others of the same
    clinic then seemed to differ in 11 % of 123 resamples, and in 2 % of 200 with this interval.
    """
    kept = averaged(predicted)[1] & inside[predicted.patient]
    patients = len(np.unique(predicted.patient[kept]))
    share = wilson(round(value * patients), patients)
    return Estimate(value, share.low, share.high, int(inside.sum()), predicted.note)


def _by_fairlearn(predicted: Predicted, insides: Sequence[np.ndarray]) -> list[dict[str, float]]:
    """The rates of each group; NaN for a group without a sample."""
    # Imported here: it takes a second, and only data with a label need it.
    from fairlearn import metrics

    group = np.full(predicted.patients, -1)
    for place, inside in enumerate(insides):
        group[inside] = place
    group = group[predicted.patient]
    kept = group >= 0
    found: list[dict[str, float]] = [dict.fromkeys(RATES, np.nan) for _ in insides]
    if not kept.any():
        return found
    y, decided, over = (
        each[kept] for each in (predicted.y, selection(predicted)[0], overprediction(predicted)[0])
    )
    rates = {
        "group_selection_rate": metrics.selection_rate,
        "group_tpr": metrics.true_positive_rate,
        "group_fpr": metrics.false_positive_rate,
    }
    frames = [
        metrics.MetricFrame(metrics=sorts, y_true=y, y_pred=told, sensitive_features=group[kept])
        for sorts, told in (
            (rates, decided),
            ({"group_calibration": metrics.mean_prediction}, over),
        )
    ]
    for frame in frames:
        for name, values in frame.by_group.items():
            for place, value in values.items():
                found[place][name] = float(value)
    return found
