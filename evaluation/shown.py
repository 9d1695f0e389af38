"""Pictures and what they show, as judges of copies take them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Pictures of patients, with their labels.

    Attributes:
        pixels: (pictures, size, size, channels) uint8.
        positive: (pictures,) bool, what the task asks.
        patient: (pictures,) position of the patient, who may have several or none.
        patients: how many there are.
        kind: (pictures,) class that models condition on; the task may join several.
        kinds: names of the classes.
    """

    pixels: np.ndarray
    positive: np.ndarray
    patient: np.ndarray
    patients: int
    kind: np.ndarray
    kinds: tuple[str, ...]

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.pixels)

    @classmethod
    def each_alone(cls, pixels: np.ndarray, positive: np.ndarray) -> Shown:
        """Pictures of one patient each, of two classes."""
        return cls(
            pixels=pixels,
            positive=positive,
            patient=np.arange(len(pixels)),
            patients=len(pixels),
            kind=positive.astype(np.int64),
            kinds=("0", "1"),
        )

    def one_each(self, seed: int) -> Shown:
        """One picture of each patient who has any, drawn evenly."""
        order = np.random.default_rng(seed).permutation(len(self))
        patient, first = np.unique(self.patient[order], return_index=True)
        kept = order[first]
        return replace(
            self,
            pixels=self.pixels[kept],
            positive=self.positive[kept],
            patient=patient,
            kind=self.kind[kept],
        )

    def coarse(self, times: int = 4) -> Shown:
        """The same with every square of that side made even: what detail is worth."""
        n, size, _, channels = self.pixels.shape
        few = size // times
        cut = self.pixels[:, : few * times, : few * times].astype(np.float64)
        mean = cut.reshape(n, few, times, few, times, channels).mean(axis=(2, 4))
        return replace(
            self, pixels=np.rint(mean.repeat(times, 1).repeat(times, 2)).astype(np.uint8)
        )
