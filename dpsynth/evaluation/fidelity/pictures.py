"""Are the copy's pictures like real ones? Adding a metric of pictures: one line here."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from dpsynth.evaluation.estimate import Estimate
from dpsynth.evaluation.fidelity.frechet import frechet
from dpsynth.evaluation.fidelity.kid import kid
from dpsynth.evaluation.fidelity.mean_picture import mean_picture_distance
from dpsynth.evaluation.fidelity.picture_diversity import picture_diversity
from dpsynth.evaluation.fidelity.picture_manifold import (
    Neighbourhoods,
    picture_coverage,
    picture_density,
    picture_precision,
    picture_recall,
)
from dpsynth.evaluation.fidelity.seen import Seen
from dpsynth.evaluation.fidelity.shades import shade_tv
from dpsynth.evaluation.metric import Metric
from dpsynth.evaluation.shown import Shown

OTHERS = "other real patients"
COARSE = "real pictures without detail"
CLASS_MEANS = "the mean picture of each class, repeated"
RANDOM_SHADES = "pictures of random shades"


class OnPictures(Protocol):
    """A distance between two sets of pictures."""

    def __call__(self, real: Shown, other: Shown, *, seed: int = 0) -> Estimate:
        """Compare `other` with `real`."""


class OnPixels(Protocol):
    """A distance between two sets of pictures, one picture of each patient."""

    def __call__(self, real: np.ndarray, other: np.ndarray, *, seed: int = 0) -> Estimate:
        """Compare `other` with `real`, both (n, size, size, channels) uint8."""


class OnNeighbourhoods(Protocol):
    """A figure of how two sets of pictures lie among each other."""

    def __call__(self, made: Neighbourhoods) -> Estimate:
        """Judge the copy's pictures."""


class OnSeen(Protocol):
    """A comparison of what the network sees in two sets of pictures, class by class."""

    def __call__(self, real: Seen, other: Seen, *, seed: int = 0) -> Estimate:
        """Compare `other` with `real`."""


PICTURES: dict[str, Metric[OnPictures]] = {
    "shade_tv": Metric(
        measure=shade_tv,
        title="Shades of pictures",
        scale="0: equal histograms; 1: nothing in common",
        better="lower",
        real=OTHERS,
        control=RANDOM_SHADES,
    ),
    "mean_picture_distance": Metric(
        measure=mean_picture_distance,
        title="Mean picture of each class",
        scale="0: equal; 1: black against white",
        better="lower",
        real=OTHERS,
        control=RANDOM_SHADES,
    ),
}

LOOKS: dict[str, Metric[OnPixels]] = {
    "kid": Metric(
        measure=kid,
        title="Looks of pictures, all that a kernel sees",
        scale="0: spread alike; features of our own network, no other's",
        better="lower",
        real=OTHERS,
        control=COARSE,
    ),
    "frechet": Metric(
        measure=frechet,
        title="Looks of pictures, means and covariances",
        scale="0: alike; features of our own network, not FID",
        better="lower",
        real=OTHERS,
        control=COARSE,
    ),
}

MANIFOLD: dict[str, Metric[OnNeighbourhoods]] = {
    "picture_precision": Metric(
        measure=picture_precision,
        title="Synthetic pictures that lie among real ones",
        scale="1: all; 0: none; by features of our own network",
        better="higher",
        real=OTHERS,
        control=RANDOM_SHADES,
    ),
    "picture_recall": Metric(
        measure=picture_recall,
        title="Real pictures that lie among synthetic ones",
        scale="1: all; 0: none; by features of our own network",
        better="higher",
        real=OTHERS,
        control=CLASS_MEANS,
    ),
    "picture_density": Metric(
        measure=picture_density,
        title="Synthetic pictures where real ones are many",
        scale="1: about as real pictures; 0: far from all",
        better="higher",
        real=OTHERS,
        control=RANDOM_SHADES,
    ),
    "picture_coverage": Metric(
        measure=picture_coverage,
        title="Real pictures with a synthetic one near",
        scale="1: all; 0: none; by features of our own network",
        better="higher",
        real=OTHERS,
        control=CLASS_MEANS,
    ),
}

VARIETY: dict[str, Metric[OnSeen]] = {
    "picture_diversity": Metric(
        measure=picture_diversity,
        title="How varied pictures of a class are",
        scale="1: as real ones; 0: one picture for each class",
        better="higher",
        real=OTHERS,
        control=CLASS_MEANS,
    ),
}
