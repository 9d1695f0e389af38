"""Does the copy show all that real patients show, however rare?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.evaluation.estimate import (
    REPLICATES,
    Estimate,
    bootstrap_estimate,
    not_assessable,
    patient_weights,
)
from dpsynth.evaluation.fidelity.tables import Table, distributions, variables


def category_coverage(
    real: Tokens, other: Tokens, codec: Codec, *, replicates: int = REPLICATES, seed: int = 0
) -> Estimate:
    """Share of a column's real categories that `other` ever shows, averaged over columns.

    Scenario:
        Someone looks for the rare diagnosis that they know a few patients have. Noise and
        mode collapse lose such categories first, and `tv1` hardly moves: it counts patients.
        Here every category counts the same, one patient or a thousand, so that the rare ones
        are not outweighed. Missing is no category; a visit column is pooled over visits.

    Args:
        real: the real patients compared with, usually the holdout.
        other: synthetic patients, or real ones for the reference.
        codec: public code books; columns are those of categories and booleans.
        replicates: bootstrap replicates over patients of both sets.
        seed: of the bootstrap.

    Returns:
        1: every category of every column is there; 0: none is. The more patients `other` has,
        the more it shows by chance: hold the value against as many other real patients.

    Errors:
        No such column with a real value: not assessable. No patient in `other`: 0, with a note.
    """
    pairs = zip(*(_known(each, codec, categories=True) for each in (real, other)), strict=True)
    return _coverage(real, other, pairs, replicates, seed)


def bin_coverage(
    real: Tokens, other: Tokens, codec: Codec, *, replicates: int = REPLICATES, seed: int = 0
) -> Estimate:
    """Share of a number's bins with real patients that `other` ever shows, averaged over columns.

    Scenario:
        Someone looks for the oldest patients and the highest pressures. A copy that keeps to
        the middle has lost them, and one that covers the range may have holes in it. Columns
        are those of numbers and counts, gaps between visits among them, in the bins of the
        code book; a value of its own, such as 0, is a bin. The rest is as in
        `category_coverage`.

    Returns:
        1: every bin that real patients reach; 0: none of them.

    Errors:
        As `category_coverage`.
    """
    pairs = zip(*(_known(each, codec, categories=False) for each in (real, other)), strict=True)
    return _coverage(real, other, pairs, replicates, seed)


def _known(tokens: Tokens, codec: Codec, *, categories: bool) -> Iterator[Table]:
    """The known values of each column of one kind."""
    fields = (*codec.static, *codec.visit)
    for field, each in zip(fields, variables(tokens, codec, grid=False), strict=True):
        if bool(field.categories) == categories:
            values = field.size - field.column.missing
            known = (each.code >= 0) & (each.code < values)
            yield Table(name=each.name, who=each.who[known], cell=each.code[known], cells=values)


def _coverage(
    real: Tokens,
    other: Tokens,
    columns: Iterable[tuple[Table, Table]],
    replicates: int,
    seed: int,
) -> Estimate:
    """Mean share over columns of the real cells that `other` has."""
    rng = np.random.default_rng(seed)
    weights = [
        np.ascontiguousarray(patient_weights(len(each), replicates, rng).T)
        for each in (real, other)
    ]
    shares = []
    for pair in columns:
        there, shown = (
            distributions(each, drawn, each.cell, each.cells) > 0
            for each, drawn in zip(pair, weights, strict=True)
        )
        found = there.sum(axis=0)
        if found[0]:
            shares.append(np.where(found > 0, (there & shown).sum(axis=0) / found.clip(1), np.nan))
    if not shares:
        return not_assessable("no real value of such a column", len(other))
    known = np.isfinite(shares)
    values = np.where(known, shares, 0).sum(axis=0) / known.sum(axis=0).clip(1)
    note = "" if len(other) else "no synthetic patients"
    return bootstrap_estimate(values, len(other), (0.0, 1.0), note)
