"""How much is missing: is each column as full as the real one?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.evaluation.estimate import REPLICATES, Estimate, not_assessable
from dpsynth.evaluation.fidelity.tables import Table, is_grid, mean_distance, variables


def missing_tv(
    real: Tokens, other: Tokens, codec: Codec, *, replicates: int = REPLICATES, seed: int = 0
) -> Estimate:
    """Mean absolute difference of the shares missing, by column.

    Scenario:
        Someone lists the columns with the share of values that lack: a test that is done for
        every third patient must not be known for all of them in the copy. The share of a visit
        column is of an average patient, each of whose L visits weighs 1/L. On a regular grid
        (see `tables`) a column is a (window, column) pair. `missing_over_time` tells at which
        visit values lack; this tells of static columns as well.

    Args:
        real: the real patients compared with, usually the holdout.
        other: synthetic patients, or real ones for the reference.
        codec: public code books: which columns may be missing.
        replicates: bootstrap replicates over patients of both sets.
        seed: of the bootstrap.

    Returns:
        0: each column as full as in real data; 1: missing where real values never are, and
        never where they always are.

    Errors:
        No real value is missing: not assessable. No patient in `other`: 1, with a note.
    """
    grid = is_grid(real, codec)
    if not any((each.cell == 1).any() for each in gaps_of(real, codec, grid)):
        return not_assessable("no real value is missing", len(other))

    def tables(tokens: Tokens) -> Iterator[Table]:
        return gaps_of(tokens, codec, grid)

    return mean_distance(real, other, tables, replicates=replicates, seed=seed)


def gaps_of(tokens: Tokens, codec: Codec, grid: bool) -> Iterator[Table]:
    """For each column that may be missing the table of known (0) and missing (1)."""
    visit = codec.visit * (codec.max_visits if grid else 1)
    found = variables(tokens, codec, grid)
    for field, each in zip((*codec.static, *visit), found, strict=True):
        if field.column.missing:
            gone = (each.code == each.size - 1).astype(np.int64)
            yield Table(name=each.name, who=each.who, cell=gone, cells=2)
