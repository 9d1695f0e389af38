"""Samples as a matrix that any model takes: no missing value, no code of a category."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dpsynth.data.field import Field

DUMMIES = 12  # categories of a column, the most frequent, that get a column of their own
LEAST = 10  # training samples that a column of zeros and ones sets apart, at least


class Plain:
    """The way from codes to a plain matrix, as training samples set it.

    Numbers (their bins) and columns of two categories are standardised, and missing is the
    mean; a longer list of categories becomes columns of zeros and ones, as does whether a
    value is missing. Columns that are constant in training, or equal to another, are left out.

    Shape:
        X: (samples, features) codes as float32, NaN where missing
        return: (samples, columns) float32, one column of zeros if nothing is left
    """

    def __init__(self, X: np.ndarray, fields: Sequence[Field | None]) -> None:
        """Look at training samples; `fields` are the code books of X's columns."""
        known, many = (
            ~np.isnan(X),
            [each is not None and len(each.categories) > 2 for each in fields],
        )
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, X, 0.0).sum(axis=0, dtype=np.float64) / count
        spread = np.sqrt((np.where(known, X - mean, 0.0) ** 2).sum(axis=0) / count)
        self._numbers = np.flatnonzero(~np.array(many, dtype=bool) & (spread > 0))
        self._mean, self._spread = mean[self._numbers], spread[self._numbers]
        self._categories = [
            (int(place), code) for place in np.flatnonzero(many) for code in _frequent(X[:, place])
        ]
        gaps: dict[bytes, int] = {}
        for place in np.flatnonzero(_both((~known).sum(axis=0), len(X))):
            gaps.setdefault(known[:, place].tobytes(), int(place))
        self._gaps = list(gaps.values())
        self.width = len(self._numbers) + len(self._categories) + len(self._gaps) or 1

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """The matrix of other samples of the same features."""
        made = np.zeros((len(X), self.width), dtype=np.float32)
        numbers, dummies = len(self._numbers), len(self._categories)
        made[:, :numbers] = np.nan_to_num((X[:, self._numbers] - self._mean) / self._spread)
        for column, (place, code) in enumerate(self._categories, start=numbers):
            made[:, column] = X[:, place] == code
        if self._gaps:
            made[:, numbers + dummies :] = np.isnan(X[:, self._gaps])
        return made


def _both(hits: np.ndarray, samples: int) -> np.ndarray:
    """Whether a column of zeros and ones has enough of both."""
    return (hits >= LEAST) & (hits <= samples - LEAST)


def _frequent(codes: np.ndarray) -> list[float]:
    """The most frequent codes of a column that set enough samples apart."""
    found, hits = np.unique(codes[~np.isnan(codes)], return_counts=True)
    found, hits = found[_both(hits, len(codes))], hits[_both(hits, len(codes))]
    return sorted(float(code) for code in found[np.argsort(-hits, kind="stable")[:DUMMIES]])
