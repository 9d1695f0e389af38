"""Noisy transitions, drawn towards a plain law of change by as much as noise rules them."""

from __future__ import annotations

import numpy as np

from dpsynth.data.field import Field
from dpsynth.models.tables import cleaned
from dpsynth.models.warm.score_tables import order
from dpsynth.schema import Kind

FARTHEST = 3  # ranks apart, from which on distances count alike
ROUNDS = 50  # of proportional fitting
TINY = 1e-12


def distances(field: Field) -> np.ndarray:
    """(codes, codes) kind of each change: how far apart, or from, to and within missing.

    A category's change is none or any.
    """
    known = field.size - field.column.missing
    kinds = np.zeros((field.size, field.size), dtype=np.int64)
    if field.column.type is Kind.CATEGORY:
        kinds[:known, :known] = ~np.eye(known, dtype=bool)
    else:
        place = order(field)
        kinds[:known, :known] = np.minimum(np.abs(place[:, None] - place), FARTHEST)
    if field.column.missing:
        kinds[:known, known], kinds[known, :known] = FARTHEST + 1, FARTHEST + 2
        kinds[known, known] = FARTHEST + 3
    return kinds


def pooled(noisy: list[np.ndarray], noise_sds: list[float]) -> list[np.ndarray]:
    """Distributions near noisy histograms that are much alike.

    Each is drawn to their mean, weighed by precision, by as much as noise explains how it
    departs from it (James-Stein).

    Args:
        noisy: (codes,) counts plus noise, each.
        noise_sds: stddev of the noise in a cell of each.
    """
    totals = [max(float(each.sum()), sd) for each, sd in zip(noisy, noise_sds, strict=True)]
    shares = np.stack([each / total for each, total in zip(noisy, totals, strict=True)])
    sds = np.array([sd / total for sd, total in zip(noise_sds, totals, strict=True)])
    weights = sds**-2.0 / (sds**-2.0).sum()
    mean = weights @ shares
    noise = sds**2 * (1 - weights)  # of a departure from a mean that it is part of
    seen = ((shares - mean) ** 2).mean(axis=1)
    left = np.maximum(1 - noise / np.maximum(seen, TINY), 0.0)
    drawn = mean + left[:, None] * (shares - mean)
    return [cleaned(each, float(sd)) for each, sd in zip(drawn, sds, strict=True)]


def smoothed_steps(
    noisy: np.ndarray, noise_sd: float, kinds: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """A distribution near a noisy table of transitions.

    The plain law has given sums by row and by column, and the table's own by kind of change,
    each of which adds up many cells and so bears little noise (iterative proportional
    fitting). Cells depart from it as measured, less the part of their departures, kind by
    kind, that noise explains (James-Stein).

    Shape:
        noisy, kinds: (codes, codes); rows, columns: (codes,) -> (codes, codes)
    """
    total, codes = noisy.sum(), len(noisy)
    if not total > noise_sd * codes:  # of all cells' noise
        return cleaned(noisy, noise_sd)
    most = int(kinds.max()) + 1

    def sums(table: np.ndarray) -> np.ndarray:
        return np.bincount(kinds.ravel(), table.ravel(), minlength=most)

    kind = np.maximum(sums(noisy), 0.0)
    kind = kind / max(kind.sum(), TINY)
    plain = np.outer(rows, columns)
    for _ in range(ROUNDS):
        plain = plain * (kind / np.maximum(sums(plain), TINY))[kinds]
        plain = plain * (rows / np.maximum(plain.sum(axis=1), TINY))[:, None]
        plain = plain * (columns / np.maximum(plain.sum(axis=0), TINY))
    apart = noisy - total * plain
    seen = sums(apart**2) / np.maximum(sums(np.ones_like(noisy)), 1.0)
    left = np.maximum(1 - noise_sd**2 / np.maximum(seen, TINY), 0.0)
    return cleaned(total * plain + left[kinds] * apart, noise_sd)
