"""Denoising about a Gaussian: the preconditioning, and the sampler (Karras et al. 2022).

Letters are the paper's: x is a noisy spectrum, sigma its noise level, D what is guessed of the
clean one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

SIGMA_MIN, SIGMA_MAX, RHO = 0.02, 5.0, 7.0
P_MEAN, P_STD = -0.8, 1.2  # of the logarithm of sigma in training
LEAST = 1e-4  # variance of a direction


@dataclass(frozen=True, kw_only=True)
class Gaussians:
    """One Gaussian for each class, and what it says of a noisy draw from it.

    NOTE(paper): the paper's preconditioning is that of a white Gaussian of the data's variance.
    Here it is the whole class's Gaussian, so that a network that says nothing samples exactly
    the warm start, and training only adds to it.

    Attributes:
        means: (classes, width).
        vectors: (classes, width, width), in columns.
        values: (classes, width) variances along them.
    """

    means: Tensor
    vectors: Tensor
    values: Tensor

    @classmethod
    def of(cls, means: np.ndarray, roots: np.ndarray, device: torch.device) -> Gaussians:
        """From means and square roots of covariances whose columns are orthogonal."""
        values = (roots**2).sum(axis=1) + LEAST
        vectors = roots / np.sqrt(np.maximum((roots**2).sum(axis=1, keepdims=True), 1e-12))
        # A direction without variance has no column: any completion to a basis will do.
        full = np.stack([_completed(each) for each in vectors])
        m, V, v = (
            torch.tensor(each, dtype=torch.float32).to(device) for each in (means, full, values)
        )
        return cls(means=m, vectors=V, values=v)

    def guess(self, x: Tensor, sigma: Tensor, code: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """D by the class's Gaussian, its standard deviations, and x and D standardised.

        Shape:
            x: (rows, width); sigma, code: (rows,)
            return: (rows, width), (rows, width), (rows, 2 * width)
        """
        D, sd, seen = torch.empty_like(x), torch.empty_like(x), x.new_empty(len(x), 2 * x.shape[1])
        for each in range(len(self.means)):
            here = code == each
            m, V, v = self.means[each], self.vectors[each], self.values[each]
            s2 = sigma[here, None] ** 2
            apart = x[here] - m
            shrink = v / (v + s2)
            guessed = (apart @ V * shrink) @ V.T
            left = (shrink * s2) @ (V**2).T
            spread = (V**2) @ v
            D[here], sd[here] = m + guessed, left.sqrt()
            known = (spread - left).clamp_min(LEAST).sqrt()
            seen[here] = torch.cat([apart / (spread + s2).sqrt(), guessed / known], 1)
        return D, sd, seen

    def draw(self, code: Tensor, sigma: float, draws: torch.Generator) -> Tensor:
        """(rows, width) from each class's Gaussian with noise of that level added."""
        x = torch.empty(len(code), self.means.shape[1], device=self.means.device)
        for each in range(len(self.means)):
            here = code == each
            noise = torch.randn(
                int(here.sum()), x.shape[1], generator=draws, device=self.means.device
            )
            sd = (self.values[each] + sigma**2).sqrt()
            x[here] = self.means[each] + (noise * sd) @ self.vectors[each].T
        return x


def steps_of(steps: int) -> list[float]:
    """Noise levels from `SIGMA_MAX` down to `SIGMA_MIN`, then 0."""
    ramp = np.linspace(SIGMA_MAX ** (1 / RHO), SIGMA_MIN ** (1 / RHO), steps)
    return [*(ramp**RHO).tolist(), 0.0]


def sampled(x: Tensor, D: Callable[[Tensor, Tensor], Tensor], steps: int) -> Tensor:
    """Follow the probability flow from `SIGMA_MAX` to 0 by Heun's method.

    Args:
        x: (rows, width) at `SIGMA_MAX`.
        D: (x, sigma) -> what is guessed of the clean one.
        steps: of the grid of noise levels.
    """
    levels = steps_of(steps)
    for now, then in pairwise(levels):
        slope = (x - D(x, x.new_full((len(x),), now))) / now
        moved = x + (then - now) * slope
        if then > 0:
            other = (moved - D(moved, x.new_full((len(x),), then))) / then
            moved = x + (then - now) * (slope + other) / 2
        x = moved
    return x


def _completed(vectors: np.ndarray) -> np.ndarray:
    """An orthonormal basis that holds the columns that are not nothing."""
    kept = vectors[:, np.linalg.norm(vectors, axis=0) > 0.5]
    full, _ = np.linalg.qr(np.concatenate([kept, np.eye(len(vectors))], axis=1))
    rest = iter(full[:, kept.shape[1] :].T)
    places = np.linalg.norm(vectors, axis=0) > 0.5
    return np.column_stack([vectors[:, i] if held else next(rest) for i, held in enumerate(places)])
