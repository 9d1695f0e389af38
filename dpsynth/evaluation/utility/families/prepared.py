"""Codes as a plain table of numbers, for models that know neither gaps nor categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dpsynth.evaluation.utility.feature import Feature
from dpsynth.evaluation.utility.task import Task

DUMMIES = 400  # columns of categories at most; each keeps its most frequent ones
LEVELS = 20  # categories of a column that are kept at most


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """How a table is made of X; learnt on training samples, applied to any.

    Attributes:
        numbers: columns of X that hold ordered codes.
        mean, spread: (numbers,) of the known codes in training; a missing one becomes the mean.
        gaps: columns of X whose being missing is a column of the table.
        levels: (column of X, category) of each dummy.
    """

    numbers: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    gaps: np.ndarray
    levels: tuple[tuple[int, int], ...]

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """The table.

        Shape:
            X: (samples, features) codes, NaN where missing
            return: (samples, numbers + gaps + levels) float32, finite
        """
        numbers = (X[:, self.numbers] - self.mean) / self.spread
        dummies = [X[:, place] == level for place, level in self.levels]
        parts = [np.nan_to_num(numbers), np.isnan(X[:, self.gaps])]
        parts += [np.stack(dummies, axis=1)] if dummies else []
        return np.concatenate([each.astype(np.float32) for each in parts], axis=1)


def preparation(X: np.ndarray, kinds: Sequence[Feature]) -> Preparation:
    """Learn means, spreads, gaps and frequent categories of training samples.

    Numbers are standardised, a category becomes a dummy each, and what is missing is said by
    dummies of its own, once where several columns are always missing together.

    Args:
        X: (samples, features) codes, NaN where missing.
        kinds: what the columns are; none: ordered numbers.
    """
    sizes = np.array([each.levels for each in kinds] or [0] * X.shape[1], dtype=np.int64)
    numbers, categories = np.flatnonzero(sizes == 0), np.flatnonzero(sizes > 0)
    mean, spread = _moments(X[:, numbers])
    kept = min(LEVELS, max(DUMMIES // max(len(categories), 1), 1))
    return Preparation(
        numbers=numbers,
        mean=mean,
        spread=spread,
        gaps=_gaps(np.isnan(X)),
        levels=tuple(
            (int(place), int(level))
            for place in categories
            for level in _frequent(X[:, place], int(sizes[place]), kept)
        ),
    )


def prepared(task: Task) -> Preparation:
    """The preparation of a task's samples."""
    return preparation(task.X, task.kinds)


def _moments(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and spread of the known codes; 0 and 1 where there are none, or all are alike."""
    known = ~np.isnan(X)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, X, 0).sum(axis=0) / count
    spread = np.sqrt((np.where(known, X - mean, 0) ** 2).sum(axis=0) / count)
    return mean.astype(np.float32), np.where(spread > 0, spread, 1).astype(np.float32)


def _gaps(missing: np.ndarray) -> np.ndarray:
    """The first of the columns that are missing in the same samples; none that always is."""
    mixed = np.flatnonzero(missing.any(axis=0) & ~missing.all(axis=0))
    packed = np.packbits(missing[:, mixed], axis=0)
    found = {column.tobytes(): place for place, column in zip(mixed[::-1], packed.T[::-1], strict=True)}
    return np.array(sorted(found.values()), dtype=np.int64)


def _frequent(codes: np.ndarray, size: int, most: int) -> np.ndarray:
    """The most frequent categories, in the order of their codes."""
    counts = np.bincount(codes[~np.isnan(codes)].astype(np.int64), minlength=size)
    first = np.argsort(-counts, kind="stable")[:most]
    return np.sort(first[counts[first] > 0])
