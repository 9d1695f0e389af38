"""Pairs of columns: do columns go together as in real data?"""

from __future__ import annotations

from collections.abc import Iterator

from dpsynth.data.codec import Codec, Tokens
from dpsynth.evaluation.estimate import REPLICATES, Estimate
from dpsynth.evaluation.fidelity.tables import (
    Table,
    choose_pairs,
    is_grid,
    mean_distance,
    two_way,
    variables,
)

PAIRS = 200  # tables at most; more only costs time, the mean over pairs hardly moves


def tv2(
    real: Tokens,
    other: Tokens,
    codec: Codec,
    *,
    pairs: int = PAIRS,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Estimate:
    """Two-way total variation, averaged over pairs of columns.

    Scenario:
        Someone cross-tabulates two columns. Pairs are of static columns, of a static and a
        visit column at every visit, and of two columns of the same visit; on a regular grid
        of any two (window, column). With more than `pairs` pairs a random subset is used
        that depends only on the number of columns, so that it is the same for every data
        set; the note says so.

    Args:
        real: the real patients compared with, usually the holdout.
        other: synthetic patients, or real ones for the reference.
        codec: public code books.
        pairs: most tables that are compared.
        replicates: bootstrap replicates over patients of both sets.
        seed: of the bootstrap.

    Returns:
        0: all cross-tables are equal; 1: no cell in common. Independent columns with right
        margins are far from 0 only where real columns depend on each other, so hold the value
        against `controls.independent_columns`.
    """
    grid = is_grid(real, codec)
    columns = variables(real, codec, grid)
    chosen = choose_pairs(columns, pairs, seed=0)
    count = len(columns) * (len(columns) - 1) // 2
    note = f"{len(chosen)} of {count} pairs, chosen at random" if len(chosen) < count else ""

    def tables(tokens: Tokens) -> Iterator[Table]:
        found = variables(tokens, codec, grid)
        return (two_way(found[i], found[j]) for i, j in chosen)

    return mean_distance(real, other, tables, replicates=replicates, seed=seed, note=note)
