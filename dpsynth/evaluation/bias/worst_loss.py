"""How much does the worst group lose by the copy?"""

from __future__ import annotations

from collections.abc import Mapping

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


def worst_group_loss(
    real: Predicted,
    synthetic: Predicted,
    insides: Mapping[str, np.ndarray],
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Estimate:
    """The most AUC that any assessable group loses by the copy.

    Scenario:
        A reviewer asks for the worst case, not for the mean: whoever is worst off, how much
        worse does a model from the copy rank them than one from real patients?

    Args:
        real, synthetic: predictions of both models for the same samples.
        insides: by group's name, (holdout patients,) whether each belongs to it.
        replicates: bootstrap replicates over holdout patients; in each the worst is looked for
            anew, so that the interval holds the chance of who is worst.
        seed: of the bootstrap.

    Returns:
        0: nobody loses; 0.5: some group falls from perfect to chance. Chance alone keeps the
        worst of many small groups above the mean. The note names the group.

    Errors:
        No group with enough cases, non-cases and patients: not assessable.
    """
    held = {name: each for name, each in insides.items() if not unsupported(real, each)}
    if not held:
        return not_assessable("no group has enough events", 0)
    weights = sample_weights(real, replicates, seed)
    losses = np.array(
        [
            replicate_auc(real, each, weights) - replicate_auc(synthetic, each, weights)
            for each in held.values()
        ]
    )
    worst = list(held)[int(losses[:, 0].argmax())]
    members = int(held[worst].sum())
    return bootstrap_estimate(
        losses.max(axis=0), members, (-1.0, 1.0), synthetic.note or f"worst: {worst}"
    )
