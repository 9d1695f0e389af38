"""Triples of columns: do three columns go together as in real data?"""

from __future__ import annotations

from collections.abc import Iterator
from math import comb

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.evaluation.estimate import REPLICATES, Estimate
from dpsynth.evaluation.fidelity.tables import (
    Table,
    crossed,
    is_grid,
    mean_distance,
    one_way,
    variables,
)

TRIPLES = 100  # tables at most, as PAIRS of `two_way`

Triple = tuple[int, int, int]


def tv3(
    real: Tokens,
    other: Tokens,
    codec: Codec,
    *,
    triples: int = TRIPLES,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Estimate:
    """Three-way total variation, averaged over triples of columns.

    Scenario:
        Someone cross-tabulates three columns, as for an interaction: does a drug help men but
        not women? A copy can have every pair right and no triple. Columns meet as in `tv2`:
        where one of them is a visit column, at every visit. With more than `triples` triples a
        random subset is used that depends only on the number of columns; the note says so.

    Args:
        real: the real patients compared with, usually the holdout.
        other: synthetic patients, or real ones for the reference.
        codec: public code books.
        triples: most tables that are compared.
        replicates: bootstrap replicates over patients of both sets.
        seed: of the bootstrap.

    Returns:
        0: all tables are equal; 1: no cell in common. Tables of three columns have many cells
        with few patients, so that two real samples are far from 0: hold the value against that
        of other real patients and of `controls.independent_columns`.

    Errors:
        Fewer than three columns: not assessable.
    """
    grid = is_grid(real, codec)
    count = len(variables(real, codec, grid))
    chosen = choose_triples(count, triples, seed=0)
    total = comb(count, 3)
    note = f"{len(chosen)} of {total:,} triples, chosen at random" if len(chosen) < total else ""

    def tables(tokens: Tokens) -> Iterator[Table]:
        found = variables(tokens, codec, grid)
        return (one_way(crossed(crossed(found[i], found[j]), found[k])) for i, j, k in chosen)

    return mean_distance(real, other, tables, replicates=replicates, seed=seed, note=note)


def choose_triples(columns: int, most: int, seed: int) -> list[Triple]:
    """All triples of columns, or a random `most` of them that depends on number and seed only."""
    wanted, found = min(comb(columns, 3), most), set[Triple]()
    rng = np.random.default_rng(seed)
    while len(found) < wanted:  # draws beyond the last new one: few, or few columns
        i, j, k = sorted(rng.choice(columns, 3, replace=False).tolist())
        found.add((i, j, k))
    return sorted(found)
