"""The question of DP-MERF: sums by class of pictures' random Fourier features."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.privacy.moments import UNSAID, clipped
from dpsynth.privacy.picture_sums import OfPictures


@dataclass(frozen=True, kw_only=True)
class FourierSums:
    """Sum by class of (cos(W z), sin(W z)) / sqrt(frequencies), where z is a picture's spectrum.

    With rows of W drawn from a normal law of deviation 1 / b, the mean over pictures is the
    mean embedding of their law by a Gaussian kernel of bandwidth b (Rahimi and Recht 2007;
    Harder et al. 2021).

    Guarantee:
        Adding or removing one patient moves the answer by at most 1 in L2.

    Proof sketch:
        cos^2 + sin^2 = 1 at each frequency, so a picture's vector has length 1 whatever the
        picture and W are; it is scaled down to that against rounding, and is zero if it is not
        finite. It stands in one class. A patient adds the mean of the vectors of all pictures,
        or nothing without one, and a mean of vectors of length at most 1 is no longer than 1.

    Attributes:
        of: what a picture's numbers and class are.
        frequencies: (frequencies, width) W; public.
        weight: in a joint release.
    """

    of: OfPictures
    frequencies: np.ndarray = field(repr=False)
    weight: float = 1.0

    @property
    def sensitivity(self) -> float:
        """See the guarantee."""
        return 1.0

    @UNSAID
    def answer(self, tokens: Tokens, codec: Codec) -> np.ndarray:
        """(classes, 2 * frequencies) the exact sums. Private."""
        total = np.zeros((self.of.classes.count(codec), 2 * len(self.frequencies)))
        for code, apart, share in self.of.rows(tokens):
            phase = apart @ self.frequencies.T
            waves = np.concatenate([np.cos(phase), np.sin(phase)], axis=1)
            bounded = clipped(waves / len(self.frequencies) ** 0.5, 1.0)
            np.add.at(total, code, bounded * share[:, None])
        return total
