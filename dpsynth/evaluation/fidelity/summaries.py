"""Patients as points: what each column says of a patient over all visits, on axes of one scale."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dpsynth.data.codec import GAP, PAD, Codec, Tokens
from dpsynth.data.field import Field

KEPT = 100  # codes of a column with an axis of their own, the most frequent; others share one


def summaries(real: Tokens, other: Tokens, codec: Codec) -> tuple[np.ndarray, np.ndarray]:
    """Two data sets as points of one space, (patients, axes) float64.

    A category is the share of a patient's visits with each code, missing among them: for a static
    column 0 or 1. A number is the mean code of its bins, the step from the first known visit to
    the last, and the share missing. The number of visits is a number of its own. Where a patient
    has nothing to sum up stands the real mean.

    The axes of a column are moved to the real mean and divided by one number, so that among real
    patients every column has variance 1 in total: columns count the same however many codes they
    have, and nobody is far away for one rare code. A column without real variance is only moved.
    """
    scaled: list[tuple[np.ndarray, np.ndarray]] = []
    for (field, ours), (_, theirs) in zip(
        _columns(real, codec), _columns(other, codec), strict=True
    ):
        if field is not None and field.categories:
            axis = _axes(ours, field)
            points = _shares(ours, axis), _shares(theirs, axis)
        else:
            points = _numbers(ours, field), _numbers(theirs, field)
        scaled.append(_scaled(*points))
    first, second = zip(*scaled, strict=True)
    return np.concatenate(first, axis=1), np.concatenate(second, axis=1)


def _columns(tokens: Tokens, codec: Codec) -> Iterator[tuple[Field | None, np.ndarray]]:
    """Each column's codes, (patients, 1 or visits), PAD where there is no visit."""
    yield None, tokens.length[:, None].astype(np.int64)
    for place, field in enumerate(codec.static):
        yield field, tokens.static[:, [place]].astype(np.int64)
    for place, field in enumerate(codec.visit):
        codes = tokens.visits[..., place].astype(np.int64)
        if field.name == GAP:
            codes[:, :1] = PAD
        yield field, codes


def _axes(codes: np.ndarray, field: Field) -> np.ndarray:
    """(codes,) the axis of each code of a category."""
    counts = np.bincount(codes[codes >= 0], minlength=field.size)
    rank = np.empty(field.size, dtype=np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(field.size)
    return np.minimum(rank, KEPT)


def _shares(codes: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """(patients, axes) shares of visits, NaN without a visit."""
    who, turn = np.nonzero(codes >= 0)
    width = int(axis.max()) + 1
    cell = who * width + axis[codes[who, turn]]
    counts = np.bincount(cell, minlength=len(codes) * width).reshape(len(codes), width)
    total = counts.sum(axis=1, keepdims=True)
    return np.where(total > 0, counts / np.maximum(total, 1), np.nan)


def _numbers(codes: np.ndarray, field: Field | None) -> np.ndarray:
    """(patients, 3) mean, step and share missing, NaN where they don't exist."""
    there = codes >= 0
    missing = field is not None and field.column.missing
    known = there & (codes < field.size - 1) if field is not None and missing else there
    everyone, entries, values = np.arange(len(codes)), there.sum(axis=1), known.sum(axis=1)
    first, last = known.argmax(axis=1), known.shape[1] - 1 - known[:, ::-1].argmax(axis=1)
    found = np.stack(
        [
            (codes * known).sum(axis=1) / np.maximum(values, 1),
            codes[everyone, last] - codes[everyone, first],
            (entries - values) / np.maximum(entries, 1),
        ],
        axis=1,
    )
    found[values == 0, :2] = np.nan
    found[entries == 0, 2] = np.nan
    return found


def _scaled(real: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both moved to the real mean and divided by the real spread of all axes together."""
    known = np.isfinite(real)
    middle = np.where(known, real, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    ours, theirs = (np.where(np.isfinite(each), each - middle, 0.0) for each in (real, other))
    spread = np.sqrt((ours**2).mean(axis=0).sum())
    spread = spread if spread > 1e-9 else 1.0
    return ours / spread, theirs / spread
