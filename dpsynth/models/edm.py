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
        means: (classes, known) of the numbers that go together.
        vectors: (classes, known, known), in columns.
        values: (classes, known) variances along them.
        known: (known,) where those stand among all numbers.
        others: (others,) where numbers stand that are each on their own, with mean 0.
        variances: (classes, others) of them.
    """

    means: Tensor
    vectors: Tensor
    values: Tensor
    known: Tensor
    others: Tensor
    variances: Tensor

    @classmethod
    def of(
        cls,
        means: np.ndarray,
        roots: np.ndarray,
        device: torch.device,
        known: np.ndarray | None = None,
        variances: np.ndarray | None = None,
    ) -> Gaussians:
        """From means and square roots of covariances whose columns are orthogonal.

        Args:
            means, roots: of each class.
            device: of the tensors.
            known: where their numbers stand among all; none if there are no others.
            variances: (classes, others) of the others, in their order.
        """
        values = (roots**2).sum(axis=1) + LEAST
        vectors = roots / np.sqrt(np.maximum((roots**2).sum(axis=1, keepdims=True), 1e-12))
        # A direction without variance has no column: any completion to a basis will do.
        full = np.stack([_completed(each) for each in vectors])
        rest = np.zeros((len(means), 0)) if variances is None else variances + LEAST
        here = np.arange(means.shape[1]) if known is None else known
        others = np.setdiff1d(np.arange(len(here) + rest.shape[1]), here)
        numbers = (means, full, values, rest)
        m, V, v, t = (torch.tensor(a, dtype=torch.float32).to(device) for a in numbers)
        k, o = (torch.from_numpy(a.astype(np.int64)).to(device) for a in (here, others))
        return cls(means=m, vectors=V, values=v, known=k, others=o, variances=t)

    @property
    def width(self) -> int:
        """How many numbers there are."""
        return len(self.known) + len(self.others)

    def guess(self, x: Tensor, sigma: Tensor, code: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """D by the class's Gaussian, its standard deviations, and x and D standardised.

        Shape:
            x: (rows, width); sigma, code: (rows,)
            return: (rows, width), (rows, width), (rows, 2 * width)
        """
        found = x.new_empty(4, *x.shape)  # D, its deviations, x and D standardised
        for each in range(len(self.means)):
            here = (code == each).nonzero()[:, 0]
            m, V, v = self.means[each], self.vectors[each], self.values[each]
            s2 = sigma[here, None] ** 2
            apart = x[here][:, self.known] - m
            shrink = v / (v + s2)
            told = self._told(
                apart, (apart @ V * shrink) @ V.T, (V**2) @ v, (shrink * s2) @ (V**2).T, s2
            )
            told[0] += m
            found[:, here[:, None], self.known] = told
        if len(self.others):
            s2 = sigma[:, None] ** 2
            v, apart = self.variances[code], x[:, self.others]
            shrink = v / (v + s2)
            found[:, :, self.others] = self._told(apart, apart * shrink, v, shrink * s2, s2)
        return found[0], found[1], torch.cat([found[2], found[3]], 1)

    @staticmethod
    def _told(apart: Tensor, guessed: Tensor, spread: Tensor, left: Tensor, s2: Tensor) -> Tensor:
        """(4, rows, numbers) as `guess` has them, all about the mean.

        Args:
            apart, guessed: noisy numbers, and what is guessed of the clean ones.
            spread, left: variances of clean numbers, and of them given the noisy ones.
            s2: (rows, 1) of the noise.
        """
        known = (spread - left).clamp_min(LEAST).sqrt()
        return torch.stack([guessed, left.sqrt(), apart / (spread + s2).sqrt(), guessed / known])

    def draw(self, code: Tensor, sigma: float, draws: torch.Generator) -> Tensor:
        """(rows, width) from each class's Gaussian with noise of that level added."""
        device = self.means.device
        x = torch.empty(len(code), self.width, device=device)
        for each in range(len(self.means)):
            here = (code == each).nonzero()[:, 0]
            noise = torch.randn(len(here), len(self.known), generator=draws, device=device)
            sd = (self.values[each] + sigma**2).sqrt()
            x[here[:, None], self.known] = self.means[each] + (noise * sd) @ self.vectors[each].T
        if len(self.others):
            noise = torch.randn(len(code), len(self.others), generator=draws, device=device)
            x[:, self.others] = noise * (self.variances[code] + sigma**2).sqrt()
        return x


def steps_of(steps: int) -> list[float]:
    """Noise levels from `SIGMA_MAX` down to `SIGMA_MIN`, then 0."""
    ramp = np.linspace(SIGMA_MAX ** (1 / RHO), SIGMA_MIN ** (1 / RHO), steps)
    return [*(ramp**RHO).tolist(), 0.0]


def sampled(
    x: Tensor,
    D: Callable[[Tensor, Tensor], Tensor],
    steps: int,
    churn: float = 0.0,
    draws: torch.Generator | None = None,
) -> Tensor:
    """Follow the probability flow from `SIGMA_MAX` to 0 by Heun's method: the paper's algorithm 2.

    Args:
        x: (rows, width) at `SIGMA_MAX`.
        D: (x, sigma) -> what is guessed of the clean one.
        steps: of the grid of noise levels.
        churn: how much fresh noise is put in on the way (the paper's S_churn), which later steps
            take out again; 0 is the flow itself, without chance.
        draws: of that noise.
    """
    levels = steps_of(steps)
    gamma = min(churn / steps, 2**0.5 - 1)
    for level, then in pairwise(levels):
        now = level * (1 + gamma)
        if gamma > 0:
            noise = torch.randn(x.shape, generator=draws, device=x.device)
            x = x + (now**2 - level**2) ** 0.5 * noise
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
