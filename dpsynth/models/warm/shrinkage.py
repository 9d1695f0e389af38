"""Many noisy numbers, few of which matter: how much of each to believe."""

from __future__ import annotations

import numpy as np

GRID = np.concatenate([[0.0], np.geomspace(3e-3, 0.5, 20)])  # sizes that numbers may have
ROUNDS = 200  # of expectation and maximisation


def believed(seen: np.ndarray, noise_sd: np.ndarray) -> np.ndarray:
    """Posterior means under a scale mixture of normals that is fitted to the numbers themselves.

    Most correlations with a label are next to nothing and a few are large: a mixture with a
    mass at nothing tells them apart without a threshold to be set (adaptive shrinkage,
    Stephens 2017). The mass at nothing starts with one number's weight.

    Args:
        seen: (numbers,) of size 1 or less, each with normal noise.
        noise_sd: (numbers,) its stddev, above 0.

    Shape:
        return: (numbers,)
    """
    spread = GRID**2 + noise_sd[:, None] ** 2
    fit = -(np.log(spread) + seen[:, None] ** 2 / spread) / 2
    fit = np.exp(fit - fit.max(axis=1, keepdims=True, initial=-np.inf))
    mass = np.full(len(GRID), 1.0 / len(GRID))
    for _ in range(ROUNDS):
        counted = _parts(fit * mass).sum(axis=0)
        counted[0] += 1.0
        mass = counted / counted.sum()
    return seen * (_parts(fit * mass) * GRID**2 / spread).sum(axis=1)


def _parts(weights: np.ndarray) -> np.ndarray:
    """Rows that add up to 1."""
    return weights / weights.sum(axis=1, keepdims=True)
