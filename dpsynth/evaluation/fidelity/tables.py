"""Contingency tables of tokens, and total variation between them with a patient bootstrap.

Each patient has weight 1 in each table, shared equally among their entries in it: a table
describes the average patient, not the average visit. A patient without an entry has weight 0.

On a regular grid (no gaps, every real patient with the same number of windows) each
(window, column) is a variable of its own, and "no such window" is a category. Otherwise a
visit column is one variable, pooled over visits; the gap before a first visit does not exist
and is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from dpsynth.data.codec import GAP, Codec, Tokens
from dpsynth.evaluation.estimate import (
    Estimate,
    bootstrap_estimate,
    not_assessable,
    patient_weights,
    subsample,
)

NOWHERE = -1
BLOCK = 20_000  # cells at a time: 16 MB of 200 replicates


@dataclass(frozen=True, kw_only=True)
class Variable:
    """One column as entries of patients.

    Attributes:
        name: for the reader.
        who: (entries,) patient of each entry.
        code: (entries,) code, NOWHERE where the column does not apply.
        size: how many codes there are.
        per_visit: whether an entry is a visit (else a patient).
    """

    name: str
    who: np.ndarray
    code: np.ndarray
    size: int
    per_visit: bool


@dataclass(frozen=True, kw_only=True)
class Table:
    """Entries of patients in the cells of one table.

    Attributes:
        name: for the reader.
        who: (entries,) patient of each entry.
        cell: (entries,) cell, 0..cells-1.
        cells: how many cells there are.
    """

    name: str
    who: np.ndarray
    cell: np.ndarray
    cells: int


def is_grid(tokens: Tokens, codec: Codec) -> bool:
    """Whether visits are a regular grid: no gaps, and all patients with visits have them all."""
    if codec.max_visits < 2 or any(each.name == GAP for each in codec.visit):
        return False
    seen = tokens.length[tokens.length > 0]
    return bool(len(seen)) and bool((seen == codec.max_visits).all())


def variables(tokens: Tokens, codec: Codec, grid: bool) -> list[Variable]:
    """All columns as variables, statics first."""
    everyone = np.arange(len(tokens))
    found = [
        Variable(
            name=each.name,
            who=everyone,
            code=tokens.static[:, place].astype(np.int64),
            size=each.size,
            per_visit=False,
        )
        for place, each in enumerate(codec.static)
    ]
    if grid:
        return found + _windows(tokens, codec, everyone)
    who, turn = np.nonzero(np.arange(tokens.visits.shape[1])[None, :] < tokens.length[:, None])
    for place, each in enumerate(codec.visit):
        code = tokens.visits[who, turn, place].astype(np.int64)
        if each.name == GAP:
            code[turn == 0] = NOWHERE
        found.append(Variable(name=each.name, who=who, code=code, size=each.size, per_visit=True))
    return found


def _windows(tokens: Tokens, codec: Codec, everyone: np.ndarray) -> list[Variable]:
    return [
        Variable(
            name=f"{each.name} [{turn}]",
            who=everyone,
            code=tokens.visits[:, turn, place].astype(np.int64) + 1,  # 0: no such window
            size=each.size + 1,
            per_visit=False,
        )
        for turn in range(codec.max_visits)
        for place, each in enumerate(codec.visit)
    ]


def one_way(variable: Variable) -> Table:
    """The table of one variable."""
    kept = variable.code >= 0
    return Table(
        name=variable.name,
        who=variable.who[kept],
        cell=variable.code[kept],
        cells=variable.size,
    )


def crossed(a: Variable, b: Variable) -> Variable:
    """Two variables as one; a visit column meets a static one at every visit."""
    name, size = f"{a.name} x {b.name}", a.size * b.size
    if a.per_visit and not b.per_visit:
        a, b = b, a
    left = a.code[b.who] if b.per_visit and not a.per_visit else a.code
    code = np.where((left >= 0) & (b.code >= 0), left * b.size + b.code, NOWHERE)
    return Variable(name=name, who=b.who, code=code, size=size, per_visit=b.per_visit)


def two_way(a: Variable, b: Variable) -> Table:
    """The joint table of two variables."""
    return one_way(crossed(a, b))


def later_visits(tokens: Tokens, lag: int) -> tuple[np.ndarray, np.ndarray]:
    """Patient and position of every visit that another follows `lag` later, by patient."""
    who, turn = np.nonzero(np.arange(lag, tokens.visits.shape[1])[None, :] < tokens.length[:, None])
    return who, turn


def transitions(tokens: Tokens, codec: Codec, lag: int = 1) -> Iterator[Table]:
    """For each visit column the joint table of a visit's code and that `lag` later, pooled."""
    who, turn = later_visits(tokens, lag)
    for place, each in enumerate(codec.visit):
        now = tokens.visits[who, turn, place].astype(np.int64)
        then = tokens.visits[who, turn + lag, place]
        kept = turn > 0 if each.name == GAP else np.ones(len(turn), dtype=bool)
        yield Table(
            name=each.name,
            who=who[kept],
            cell=(now * each.size + then)[kept],
            cells=each.size**2,
        )


def lengths(tokens: Tokens, codec: Codec) -> Table:
    """The table of the number of visits."""
    return Table(
        name="number of visits",
        who=np.arange(len(tokens)),
        cell=tokens.length.astype(np.int64),
        cells=codec.max_visits + 1,
    )


def distributions(table: Table, weights: np.ndarray, cell: np.ndarray, cells: int) -> np.ndarray:
    """(cells, replicates) shares; a replicate without entries is all zero.

    `weights` is (patients, replicates), in memory by patient: other layouts are copied anew
    for every table.
    """
    sums = memberships(table, len(weights), cell, cells) @ weights
    return sums / np.maximum(sums.sum(axis=0), np.finfo(np.float32).tiny)


def memberships(table: Table, patients: int, cell: np.ndarray, cells: int) -> csr_matrix:
    """(cells, patients) how much of each patient is in each cell."""
    entries = np.bincount(table.who, minlength=patients)
    shares = (1.0 / entries[table.who]).astype(np.float32)
    return csr_matrix((shares, (cell, table.who)), shape=(cells, patients))


def table_distance(
    real: Table, other: Table, real_weights: np.ndarray, other_weights: np.ndarray
) -> np.ndarray:
    """Total variation between two tables, one value per replicate.

    NaN where neither has entries (nothing to compare); 1 where only one has. Long tables are
    gone through by BLOCK cells, since all their replicates at once would fill the memory.
    """
    cells, split = real.cells, len(real.cell)
    cell = np.concatenate([real.cell, other.cell])
    if cells > 4 * max(len(cell), 64):  # huge code books: only cells that occur
        found, cell = np.unique(cell, return_inverse=True)
        cells = len(found)
    sides = []
    for table, weights, where in (
        (real, real_weights, cell[:split]),
        (other, other_weights, cell[split:]),
    ):
        total = (np.bincount(table.who, minlength=len(weights)) > 0).astype(np.float32) @ weights
        sides.append((memberships(table, len(weights), where, cells), weights, total))
    distance = np.zeros(real_weights.shape[1], dtype=np.float32)
    for start in range(0, cells, BLOCK):
        p, q = (
            (parts[start : start + BLOCK] @ weights) / np.maximum(total, 1)
            for parts, weights, total in sides
        )
        distance += np.abs(p - q).sum(axis=0) / 2
    empty = sum((total == 0).astype(int) for _, _, total in sides)
    return np.where(empty == 0, np.clip(distance, 0, 1), np.where(empty == 1, 1.0, np.nan))


def table_distances(
    real: Iterator[Table],
    other: Iterator[Table],
    weights: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:
    """(tables, replicates) distances; weights as in `distributions`."""
    rows = [table_distance(a, b, *weights) for a, b in zip(real, other, strict=True)]
    return np.array(rows).reshape(len(rows), weights[0].shape[1])


def mean_distance(
    real: Tokens,
    other: Tokens,
    tables: Callable[[Tokens], Iterator[Table]],
    *,
    replicates: int,
    seed: int,
    note: str = "",
) -> Estimate:
    """Total variation averaged over tables, with a bootstrap over both data sets' patients.

    Errors:
        No table with entries: not assessable. No patient in `other`: 1, with a note.
    """
    rng = np.random.default_rng(seed)
    drawn = [patient_weights(len(each), replicates, rng).T for each in (real, other)]
    weights = (np.ascontiguousarray(drawn[0]), np.ascontiguousarray(drawn[1]))
    distances = table_distances(tables(real), tables(other), weights)
    known = distances[np.isfinite(distances[:, 0])]
    if not len(known):
        return not_assessable("nothing to compare", len(other))
    if not len(other):
        note = "no synthetic patients"
    counts = np.isfinite(known).sum(axis=0)
    values = np.nansum(known, axis=0) / np.maximum(counts, 1)
    return bootstrap_estimate(values, len(other), (0.0, 1.0), note)


def choose_pairs(columns: Sequence[Variable], most: int, seed: int) -> list[tuple[int, int]]:
    """All pairs of columns, or a random `most` of them that depends on number and seed only."""
    first, second = np.triu_indices(len(columns), k=1)
    kept = subsample(len(first), most, np.random.default_rng(seed))
    return list(zip(first[kept].tolist(), second[kept].tolist(), strict=True))
