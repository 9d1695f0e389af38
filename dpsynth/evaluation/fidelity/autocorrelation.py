"""Does a value now say as much about the next visit's as in real data?"""

from __future__ import annotations

from dpsynth.data.codec import Codec, Tokens
from dpsynth.evaluation.estimate import REPLICATES, Estimate
from dpsynth.evaluation.fidelity.lagged import mean_difference, ordered


def autocorrelation(
    real: Tokens, other: Tokens, codec: Codec, *, replicates: int = REPLICATES, seed: int = 0
) -> Estimate:
    """Mean absolute difference of lag-1 rank autocorrelations, over ordered visit columns.

    Scenario:
        Someone predicts the next blood pressure from the last one. How much it says is the rank
        correlation of a visit's value with the next visit's. Columns are numbers, counts,
        booleans and the gap, by code, as in `lagged`: where visits are irregular, pairs of
        visits with a short, middle or long gap have a correlation each, so that a memory that
        fades too slowly counts. Pairs in which a value is missing say nothing.

    Args:
        real: the real patients compared with, usually the holdout; ranks are theirs.
        other: synthetic patients, or real ones for the reference.
        codec: public code books.
        replicates: bootstrap replicates over patients of both sets.
        seed: of the bootstrap.

    Returns:
        In units of correlation: 0: as strong in every column; at most 2. Values that are drawn
        anew at each visit differ by the real correlation itself.

    Errors:
        No column that varies, or fewer than LEAST real patients with two visits: not assessable.
    """
    pairs = [(place, place) for place in ordered(codec)]
    return mean_difference(real, other, codec, pairs, replicates=replicates, seed=seed)
