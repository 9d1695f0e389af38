"""Single columns: does each column look like the real one?"""

from __future__ import annotations

from collections.abc import Iterator

from dpsynth.data.codec import Codec, Tokens
from dpsynth.evaluation.estimate import REPLICATES, Estimate
from dpsynth.evaluation.fidelity.tables import Table, is_grid, mean_distance, one_way, variables


def tv1(
    real: Tokens, other: Tokens, codec: Codec, *, replicates: int = REPLICATES, seed: int = 0
) -> Estimate:
    """One-way total variation, averaged over columns.

    Scenario:
        Someone draws a histogram of each column of the copy and compares it with the real one.
        The distance of a column is the share of patients who would have to be moved to
        another code. On a regular grid (see `tables`) a column is a (window, column) pair;
        otherwise a visit column is pooled over visits, 1/L for each of a patient's L visits.
        Missing is a code like any other.

    Args:
        real: the real patients compared with, usually the holdout.
        other: synthetic patients, or real ones for the reference.
        codec: public code books; bins are those of the codec.
        replicates: bootstrap replicates over patients of both sets.
        seed: of the bootstrap.

    Returns:
        0: all histograms are equal; 1: no code in common. Two real samples of n patients
        differ by about 0.4 sqrt(2 codes / n): hold the value against real train and holdout.
    """
    grid = is_grid(real, codec)

    def tables(tokens: Tokens) -> Iterator[Table]:
        return (one_way(each) for each in variables(tokens, codec, grid))

    return mean_distance(real, other, tables, replicates=replicates, seed=seed)
