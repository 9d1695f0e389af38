"""What our own network sees in the pictures of a data set, one of each patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dpsynth.evaluation.fidelity.picture_features import WIDTH, features
from dpsynth.evaluation.shown import Shown


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Features of pictures, each of another patient.

    Attributes:
        features: (patients, WIDTH) float64; see `picture_features`.
        code: (patients,) class of the label that each shows, UNKNOWN where it is missing.
        classes: names of the classes; one without a name where there is no label.
    """

    features: np.ndarray
    code: np.ndarray
    classes: tuple[str, ...]

    def __len__(self) -> int:
        """Number of patients with a picture."""
        return len(self.features)

    def of(self, code: int) -> np.ndarray:
        """Features of those of a class."""
        found: np.ndarray = self.features[self.code == code]
        return found


def seen(given: Shown, rng: np.random.Generator) -> Seen:
    """One picture of each patient, drawn evenly, as the network sees it."""
    one = given.one_each(rng)
    known = features(one.pixels) if len(one) else np.empty((0, WIDTH))
    return Seen(features=known, code=one.code, classes=one.classes)
