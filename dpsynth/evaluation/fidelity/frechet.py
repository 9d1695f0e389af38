"""Frechet distance between pictures, as a small network of our own sees them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from dpsynth.evaluation.estimate import Estimate, not_assessable
from dpsynth.evaluation.fidelity.kid import as_many
from dpsynth.evaluation.fidelity.picture_features import WIDTH, features
from dpsynth.evaluation.jackknife import jackknifed

FEWEST = 10 * WIDTH  # below, the covariance is mostly noise


def frechet(real: np.ndarray, other: np.ndarray, *, seed: int = 0) -> Estimate:
    """Squared Frechet distance of the Gaussians of features.

    Scenario:
        As for `kid`, with the same features: means and covariances are compared alone. It is
        not the distance that papers report with a network of photographs, and not comparable
        with it.

    Args:
        real: (n, size, size, channels) uint8, one picture of each patient, usually held out.
        other: those of the copy, or of other real patients for the reference.
        seed: of who is taken, where one side has more, and of the interval.

    Returns:
        0: equal means and covariances. The estimate is too large by about width^2 / n: hold it
        against other real patients at the same n.

    Errors:
        Fewer than ten pictures per feature on a side: not assessable.

    Reference: Heusel et al., GANs trained by a two time-scale update rule, NeurIPS 2017.
    """
    pair = as_many(real, other, seed)
    if len(pair[0]) < FEWEST:
        why = f"fewer than {FEWEST} pictures, ten for each of {WIDTH} features"
        return not_assessable(why, len(pair[0]))
    seen = [features(each) for each in pair]
    return jackknifed(distance, seen[0], seen[1], np.random.default_rng(seed), least=0.0)


class _AsTheyAre(nn.Module):
    """Hands on features that were made before."""

    num_features = WIDTH

    def forward(self, rows: Tensor) -> Tensor:
        """(rows, width) -> the same."""
        return rows


def distance(real: np.ndarray, other: np.ndarray) -> float:
    """The distance from (n, width) features of each, in float64."""
    from torchmetrics.image.fid import FrechetInceptionDistance  # as in `kid`

    handed = _AsTheyAre()
    handed.num_features = real.shape[1]
    metric = FrechetInceptionDistance(feature=handed)
    metric.update(torch.from_numpy(real), real=True)
    metric.update(torch.from_numpy(other), real=False)
    return max(float(metric.compute()), 0.0)
