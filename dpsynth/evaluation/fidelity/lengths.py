"""How many visits patients have."""

from __future__ import annotations

from collections.abc import Iterator

from dpsynth.data.codec import Codec, Tokens
from dpsynth.evaluation.estimate import REPLICATES, Estimate, not_assessable
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
