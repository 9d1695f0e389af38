"""Private preprocessing: bins and categories that the schema leaves to a charged release."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import norm

from dpsynth.data.codec import OTHER, Field
from dpsynth.data.records import Records
from dpsynth.schema import Column, Kind

# Fixed cells for numbers: 0, and powers of 2^(1/4) from 1e-4 to 1e9 on both sides.
_POSITIVE = 2.0 ** (np.arange(-54, 121) / 4)
GRID = np.concatenate([-_POSITIVE[::-1], _POSITIVE])


def private_columns(columns: Mapping[str, Column]) -> dict[str, Column]:
    """Those whose bins or categories must be found."""
    return {name: c for name, c in columns.items() if c.private}


def shares(records: Records, name: str, max_visits: int) -> tuple[pd.Series, np.ndarray]:
    """A column's known values and their weights; a patient's weights add up to at most 1.

    Visits past `max_visits` are cut first, so one patient has at most that many values.
    """
    if name in records.static:
        values = records.static[name]
        weights = np.ones(len(values))
    else:
        frame = records.visits
        kept = frame.groupby("patient", sort=False).cumcount().to_numpy() < max_visits
        frame = frame[kept]
        values = frame[name]
        patient = frame["patient"].to_numpy()
        known = values.notna().to_numpy()
        counts = np.bincount(patient[known], minlength=len(records))
        weights = 1.0 / np.maximum(counts[patient], 1)
    known = values.notna().to_numpy()
    return values[known], weights[known]


def grid_counts(values: pd.Series, weights: np.ndarray) -> np.ndarray:
    """Weight in each cell of the fixed grid; infinite values fall into the outermost cells."""
    cells = np.searchsorted(GRID, values.to_numpy(dtype=np.float64), side="right")
    return np.bincount(cells, weights=weights, minlength=len(GRID) + 1)


def number_field(name: str, column: Column, noisy: np.ndarray, noise_sd: float) -> Field:
    """Bins of about equal weight from noisy grid counts; post-processing.

    Cells below twice the noise are taken as empty. The outermost bins reach to the grid's
    next line; values beyond are clipped into them.
    """
    mass = np.where(noisy > 2 * noise_sd, noisy, 0.0)[1:-1]
    if mass.sum() <= 0:
        mass = np.where(np.abs(GRID[:-1]) <= 1, 1.0, 0.0)
    seen = np.flatnonzero(mass)
    lines = GRID[seen[0] : seen[-1] + 2]
    cumulated = np.concatenate([[0.0], np.cumsum(mass[seen[0] : seen[-1] + 1])])
    bins = column.bins if isinstance(column.bins, int) else 16
    goals = np.linspace(0, cumulated[-1], bins + 1)
    edges = np.interp(goals, cumulated, lines)
    edges[0], edges[-1] = lines[0], lines[-1]
    if column.type is Kind.COUNT:
        edges = np.append(np.floor(edges[:-1]), np.ceil(edges[-1]))
    edges = np.unique(edges)
    return Field(name=name, column=column, edges=tuple(float(e) for e in edges))


def threshold(noise_sd: float, delta: float, reach: int) -> float:
    """Noisy weight above which a seen category is revealed.

    Proof sketch: a category that only one patient has holds weight at most 1, and a patient
    has at most `reach` of them. Each passes 1 + noise_sd * z with chance Q(z), so any does
    with chance at most reach * Q(z) = delta; otherwise the answer is post-processing of a
    Gaussian release over categories that both neighbours have (Korolova et al. 2009).
    """
    return 1.0 + noise_sd * float(norm.isf(delta / reach))


def category_field(name: str, column: Column, noisy: Mapping[str, float], least: float) -> Field:
    """Categories whose noisy weight passes the threshold, by name; the rest are "other"."""
    kept = sorted(text for text, weight in noisy.items() if weight > least and text != OTHER)
    open_ = column.model_copy(update={"other": True})
    return Field(name=name, column=open_, categories=(*kept, OTHER))


def exact_field(records: Records, name: str, column: Column, max_visits: int) -> Field:
    """The same code book without noise, for internal evaluation only. Not private."""
    values, weights = shares(records, name, max_visits)
    if column.type is Kind.CATEGORY:
        table = pd.Series(weights).groupby(values.to_numpy()).sum()
        return category_field(name, column, {str(k): float(v) for k, v in table.items()}, 0.0)
    return number_field(name, column, grid_counts(values, weights), 0.0)
