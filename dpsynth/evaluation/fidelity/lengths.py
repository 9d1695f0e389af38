"""How many visits patients have."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.evaluation.estimate import (
    REPLICATES,
    Estimate,
    bootstrap_estimate,
    not_assessable,
    patient_weights,
)
from dpsynth.evaluation.fidelity.tables import Table, is_grid, lengths, mean_distance


def length_tv(
    real: Tokens, other: Tokens, codec: Codec, *, replicates: int = REPLICATES, seed: int = 0
) -> Estimate:
    """Total variation between numbers of visits.

    Scenario:
        Someone counts visits per patient, none included. Visits beyond the public maximum
        are cut in both data sets, so the last count means "or more".

    Args:
        real: the real patients compared with, usually the holdout.
        other: synthetic patients, or real ones for the reference.
        codec: public code books.
        replicates: bootstrap replicates over patients of both sets.
        seed: of the bootstrap.

    Returns:
        0: as many patients of each number of visits; 1: no number in common.

    Errors:
        Static data, or a grid on which every real patient has every window: not assessable.
    """
    if codec.max_visits < 1 or is_grid(real, codec):
        return not_assessable("the number of visits is fixed", len(other))

    def tables(tokens: Tokens) -> Iterator[Table]:
        yield lengths(tokens, codec)

    return mean_distance(real, other, tables, replicates=replicates, seed=seed)


def length_wasserstein(
    real: Tokens, other: Tokens, codec: Codec, *, replicates: int = REPLICATES, seed: int = 0
) -> Estimate:
    """Wasserstein distance between numbers of visits, in visits.

    Scenario:
        How many visits must be added or taken away per patient, on average, until as many
        have each number of visits as in real data? `length_tv` takes 9 visits for as wrong
        as 1 where 10 are right; this does not. Arguments and cut as there.

    Returns:
        0: as many patients of each number of visits; at most the public maximum.

    Errors:
        Static data, a grid on which every real patient has every window, or a data set
        without patients: not assessable.
    """
    if codec.max_visits < 1 or is_grid(real, codec):
        return not_assessable("the number of visits is fixed", len(other))
    if not len(real) or not len(other):
        return not_assessable("a data set without patients", len(other))
    rng, functions = np.random.default_rng(seed), []
    for each in (real, other):
        at_most = each.length[:, None] <= np.arange(codec.max_visits)
        weights = patient_weights(len(each), replicates, rng)
        functions.append(weights @ at_most.astype(np.float32) / len(each))
    values = np.abs(functions[0] - functions[1]).sum(axis=1)
    return bootstrap_estimate(values, len(other), (0.0, float(codec.max_visits)))
