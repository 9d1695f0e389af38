"""Private preprocessing: bins and categories that the schema leaves to a charged release."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import norm

from dpsynth.data.field import OTHER, Field
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

    The range reaches over all cells that noise alone would hardly make (one such cell in a
    hundred columns), since one false cell far out would stretch the last bin over nothing.
    Inside it, cells below twice the noise are taken as empty. Values beyond are clipped.
    """
    inner = noisy[1:-1]
    seen = np.flatnonzero(inner > noise_sd * norm.isf(0.01 / len(inner)))
    if not len(seen):
        inner = np.where(np.abs(GRID[:-1]) <= 1, np.inf, 0.0)
        seen = np.flatnonzero(inner)
    span = slice(seen[0], seen[-1] + 1)
    lines = GRID[seen[0] : seen[-1] + 2]
    mass = np.where(inner > 2 * noise_sd, np.minimum(inner, 1e18), 0.0)[span]
    cumulated = np.concatenate([[0.0], np.cumsum(mass)])
    bins = column.bins if isinstance(column.bins, int) else 16
    goals = np.linspace(0, cumulated[-1], bins + 1)
    edges = np.interp(goals, cumulated, lines)
    edges[0], edges[-1] = lines[0], lines[-1]
    whole = column.type is Kind.COUNT
    if column.bounds is not None:  # only the bins are private
        edges = edges.clip(column.bounds[0], column.bounds[1] + whole)
    if whole:
        # Cut just below whole numbers, so that each stays in its cell: 0 must not become -1.
        edges = np.ceil(edges) - 0.5
    edges = np.unique(edges)
    if len(edges) < 2:
        edges = np.array([edges[0], edges[0] + 1.0])
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
