"""Does one column now say as much about another at the next visit as in real data?"""

from __future__ import annotations

from itertools import permutations

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.evaluation.estimate import REPLICATES, Estimate, subsample
from dpsynth.evaluation.fidelity.lagged import mean_difference, ordered

PAIRS = 200  # of columns at most; more only costs time, the mean over pairs hardly moves


def cross_lag(
    real: Tokens,
    other: Tokens,
    codec: Codec,
    *,
    pairs: int = PAIRS,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Estimate:
    """Mean absolute difference of rank correlations of one column now, another at the next visit.

    Scenario:
        Someone asks whether a high dose now goes with a low pressure at the next visit, for any
        two ordered visit columns in that order. Columns, ranks and gaps as in
        `autocorrelation`. With more than `pairs` pairs a random subset is used that depends only
        on the number of columns, so that it is the same for every data set; the note says so.

    Args:
        real: the real patients compared with, usually the holdout; ranks are theirs.
        other: synthetic patients, or real ones for the reference.
        codec: public code books.
        pairs: most pairs of columns that are compared.
        replicates: bootstrap replicates over patients of both sets.
        seed: of the bootstrap.

    Returns:
        In units of correlation: 0: as strong in every pair; at most 2.

    Errors:
        Fewer than two columns that vary, or fewer than LEAST real patients with two visits: not
        assessable.
    """
    every = list(permutations(ordered(codec), 2))
    chosen = [every[place] for place in subsample(len(every), pairs, np.random.default_rng(0))]
    note = f"{pairs} of {len(every)} pairs, chosen at random" if len(every) > pairs else ""
    return mean_difference(real, other, codec, chosen, replicates=replicates, seed=seed, note=note)
