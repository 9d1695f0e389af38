"""Does a group lose more by the copy than everyone does?"""

from __future__ import annotations

import numpy as np

from dpsynth.evaluation.bias.discrimination import too_few
from dpsynth.evaluation.estimate import (
    REPLICATES,
    Estimate,
    bootstrap_estimate,
    not_assessable,
    patient_weights,
    weighted_auc,
)
from dpsynth.evaluation.utility.boosting import Predicted


def group_gap(
    real: Predicted,
    synthetic: Predicted,
    inside: np.ndarray,
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Estimate:
    """AUC that a group loses by the copy, minus what everyone loses by it.

    Scenario:
        A copy costs every model some accuracy. It is unfair if it costs one group more. The
        loss is AUC(trained on real) - AUC(trained on the copy), on the same holdout patients;
        all four AUCs are taken on the same resamples of patients, so what they share
        cancels out of the interval.

    Args:
        real: predictions of the model trained on real data.
        synthetic: predictions of the model trained on the copy, for the same samples.
        inside: (holdout patients,) whether each belongs to the group.
        replicates: bootstrap replicates over holdout patients, all of a patient's samples
            together.
        seed: of the bootstrap.

    Returns:
        0: the group loses as much as everyone; above 0: more. n is the number of patients in
        the group.

    Errors:
        Fewer than `discrimination.EVENTS` cases or non-cases in the group: not assessable.
    """
    members = int(inside.sum())
    kept = inside[real.patient]
    why = too_few(real.y[kept])
    if why:
        return not_assessable(why, members)
    rng = np.random.default_rng(seed)
    weights = patient_weights(real.patients, replicates, rng)[:, real.patient]
    everyone = np.ones_like(kept)
    group, overall = (_loss(real, synthetic, who, weights) for who in (kept, everyone))
    return bootstrap_estimate(group - overall, members, (-2.0, 2.0), synthetic.note)


def _loss(
    real: Predicted, synthetic: Predicted, kept: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """AUC lost on those samples, in each replicate."""
    y, part = real.y[kept], weights[:, kept]
    best, copied = (weighted_auc(y, each.score[kept], part) for each in (real, synthetic))
    return best - copied
