"""Logistic regression of the label on what is known of each patient, as an analyst reads it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import qr
from scipy.stats import t as student

from dpsynth.evaluation.estimate import NORMAL_95
from dpsynth.evaluation.utility.task import Task

LEAST = 10  # samples that a column of zeros and ones sets apart, at least
EVENTS = 5  # cases, and others, for each coefficient at least
WIDEST = 10.0  # standard error beyond which a coefficient can't be told from infinity


@dataclass(frozen=True, kw_only=True)
class Coefficients:
    """Main effects on the log odds. A number's is that from its lowest to its highest bin.

    Attributes:
        names: of the coefficients, without the intercept.
        value, error: (coefficients,) and standard errors; NaN where data don't determine one.
        factor: of the error that makes a 95 % interval.
    """

    names: tuple[str, ...]
    value: np.ndarray
    error: np.ndarray
    factor: float | np.ndarray = NORMAL_95

    @property
    def known(self) -> np.ndarray:
        """(coefficients,) which are determined."""
        return np.isfinite(self.value) & np.isfinite(self.error) & (self.error > 0)


def design(task: Task) -> tuple[np.ndarray, tuple[str, ...]]:
    """Static columns as main effects, by public code books alone: alike for every data set.

    Bins of a number are numbers from 0 to 1, categories columns of zeros and ones but for the
    first, and missing is such a column too.
    """
    parts, names = [], []
    known = [place for place, field in enumerate(task.fields) if not _of_visit(task, place)]
    for place in known:
        field, codes = task.fields[place], task.X[:, place]
        assert field is not None
        values = field.size - field.column.missing
        if len(field.categories) > 2:
            parts += [codes == code for code in range(1, values)]
            names += [f"{field.name} = {field.categories[code]}" for code in range(1, values)]
        else:
            parts.append(np.nan_to_num(codes) / max(values - 1, 1))
            names.append(field.name)
        if field.column.missing:
            parts.append(np.isnan(codes))
            names.append(f"{field.name} missing")
    X = np.stack(parts, axis=1).astype(np.float64) if parts else np.zeros((len(task.y), 0))
    return X, tuple(names)


def _of_visit(task: Task, place: int) -> bool:
    """Whether a feature is of a visit, or the number of visits."""
    field = task.fields[place]
    return field is None or task.features[place] != field.name


def usable(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Columns that data of this size determine, in the schema's order until cases run out."""
    lowest, highest = X.min(axis=0), X.max(axis=0)
    set_apart = np.minimum((lowest < X).sum(axis=0), (highest > X).sum(axis=0))
    most = int(min(y.sum(), (~y).sum())) // EVENTS
    kept = np.flatnonzero(set_apart >= LEAST)[:most]
    return _independent(X, kept)


def _independent(X: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Those columns that no others of them, with the intercept, add up to."""
    if not len(kept):
        return kept
    centred = X[:, kept] - X[:, kept].mean(axis=0)
    _, r, order = qr(centred, mode="economic", pivoting=True)
    size = np.abs(np.diag(r))
    return np.sort(kept[order[: len(size)][size > 1e-8 * size[0]]])


def coefficients(task: Task, columns: np.ndarray | None = None) -> Coefficients:
    """Fit the regression; visits of one patient count as one by cluster-robust errors.

    Args:
        task: samples.
        columns: of the design to use; none: those that the data determine. Of the given ones
            those stay NaN that the data don't determine.

    Raises:
        ValueError: in plain words, if nothing can be fitted.
    """
    X, names = design(task)
    pool = np.arange(X.shape[1]) if columns is None else columns
    found = pool[usable(X[:, pool], task.y)] if len(pool) and len(task.y) else pool[:0]
    if not len(found):
        raise ValueError("no static column varies enough, or there are too few cases")
    value, error = _fitted(X[:, found], task)
    far = ~(error < WIDEST)
    if far.any():  # a column that parts cases from others; without it the rest is determined
        found = found[~far]
        if not len(found):
            raise ValueError("the static columns part cases from others without fail")
        value, error = _fitted(X[:, found], task)
    asked = found if columns is None else columns
    made = np.full((2, X.shape[1]), np.nan)
    made[:, found] = value, np.where(error < WIDEST, error, np.nan)
    return Coefficients(
        names=tuple(names[place] for place in asked), value=made[0, asked], error=made[1, asked]
    )


def columns_of(task: Task, found: Coefficients) -> np.ndarray:
    """Where the coefficients stand in the design of a task."""
    place = {name: each for each, name in enumerate(design(task)[1])}
    return np.array([place[name] for name in found.names], dtype=np.int64)


def _fitted(X: np.ndarray, task: Task) -> tuple[np.ndarray, np.ndarray]:
    import statsmodels.api as sm

    model = sm.GLM(task.y.astype(float), sm.add_constant(X), family=sm.families.Binomial())
    repeated = len(np.unique(task.patient)) < len(task.patient)
    robust = {"cov_type": "cluster", "cov_kwds": {"groups": task.patient}} if repeated else {}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of separation: standard errors tell it too
        try:
            result = model.fit(maxiter=50, **robust)
        except (ValueError, np.linalg.LinAlgError) as error:
            raise ValueError("the regression has no solution") from error
    return result.params[1:], result.bse[1:]


def combined(copies: Sequence[Coefficients]) -> Coefficients:
    """One set of coefficients out of several copies, by Reiter's rules; of one copy its own.

    With m copies, mean coefficient q, mean squared error v, and variance b between copies, the
    squared error is T = v + b / m, on (m - 1) (1 + v m / b)^2 degrees of freedom. A coefficient
    that one of the copies doesn't determine is not determined.

    NOTE(paper): these are the rules for partially synthetic data, in which T can't be negative
    as under those for fully synthetic data. Noise for privacy that all copies of one model
    share is in neither.

    Reference: J. P. Reiter, Inference for partially synthetic, public use microdata sets,
    Survey Methodology 29, 2003.
    """
    m = len(copies)
    if m == 1:
        return copies[0]
    values = np.stack([each.value for each in copies])
    within = np.stack([each.error for each in copies]) ** 2
    v, b = within.mean(axis=0), values.var(axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = np.where(b > 0, (m - 1) * (1 + v * m / b) ** 2, np.inf)
    return Coefficients(
        names=copies[0].names,
        value=values.mean(axis=0),
        error=np.sqrt(v + b / m),
        factor=student.ppf(0.975, freedom),
    )
