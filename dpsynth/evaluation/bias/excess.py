"""Does a group lose more by the copy than everyone does?"""

from __future__ import annotations

import numpy as np

from dpsynth.evaluation.bias.discrimination import replicate_auc, sample_weights
from dpsynth.evaluation.bias.support import unsupported
from dpsynth.evaluation.estimate import (
    REPLICATES,
    Estimate,
    bootstrap_estimate,
    not_assessable,
)
from dpsynth.evaluation.utility.predictions import Predicted


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
        Fewer cases, non-cases or patients than `support` asks for: not assessable.
    """
    members = int(inside.sum())
    why = unsupported(real, inside)
    if why:
        return not_assessable(why, members)
    weights = sample_weights(real, replicates, seed)
    group, overall = (
        replicate_auc(real, who, weights) - replicate_auc(synthetic, who, weights)
        for who in (inside, np.ones_like(inside))
    )
    return bootstrap_estimate(group - overall, members, (-2.0, 2.0), synthetic.note)
