"""Noisy tables made usable: non-negative, normalised, and conditioned on."""

from __future__ import annotations

import numpy as np


def cleaned(noisy: np.ndarray, noise_sd: float) -> np.ndarray:
    """A distribution near a noisy table of counts: post-processing, costs nothing.

    Cells are shifted by one constant and cut at zero so that the total stays what the noisy
    cells add up to (the projection onto the scaled simplex), which keeps noise in empty cells
    from adding up to mass. A total below one noise stddev gives the uniform table.

    Args:
        noisy: counts plus noise, any shape.
        noise_sd: stddev of the noise in one cell, in patients.
    """
    flat = noisy.ravel()
    total = flat.sum()
    if not total > noise_sd:
        return np.full(noisy.shape, 1.0 / noisy.size)
    ordered = np.sort(flat)[::-1]
    over = (np.cumsum(ordered) - total) / np.arange(1, flat.size + 1)
    last = np.flatnonzero(ordered > over)[-1]
    return np.maximum(noisy - over[last], 0.0) / total


def conditional(joint: np.ndarray, given: int, prior: float) -> np.ndarray:
    """p(later axes | first `given` axes), shrunk towards p(later axes).

    Args:
        joint: a distribution.
        given: number of leading axes to condition on.
        prior: mass of the pooled distribution added to each row, as a share of all patients;
            rows with little mass, where noise rules, fall back on it.
    """
    pooled = joint.sum(axis=tuple(range(given)))
    total = pooled.sum()
    pooled = pooled / total if total > 0 else np.full(pooled.shape, 1.0 / pooled.size)
    rows = joint + prior * pooled
    later = tuple(range(given, joint.ndim))
    return rows / rows.sum(axis=later, keepdims=True)


def draw(probabilities: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One category per row.

    Shape:
        probabilities: (rows, categories), rows sum to 1.
        return: (rows,) int64
    """
    edges = probabilities.cumsum(axis=1)
    edges[:, -1] = 1.0 + 1e-9
    return (rng.random(len(edges))[:, None] > edges).sum(axis=1)
