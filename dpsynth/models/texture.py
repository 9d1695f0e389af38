"""How strong pictures' fine frequencies are, class by class: what coarse ones leave out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dpsynth.models.state import State
from dpsynth.privacy.door import Door
from dpsynth.privacy.picture_sums import Classes, OfTextures, PictureSums
from dpsynth.privacy.plan import Plan
from dpsynth.privacy.query import joint_sensitivity
from dpsynth.privacy.spectrum import Spectrum

NAME = "texture"  # of the release
FAR = 1.25  # bound on strengths against the public sizes, root mean square over rings


class Texture:
    """One release: the mean strength of each ring of fine frequencies, of each class.

    Fine frequencies are then independent noise of that strength. Where a spectrum has none,
    nothing is asked.

    Args:
        plan: holds the release `NAME`.
        coarse, fine: frequencies that are known otherwise, and all of them.
        classes: of pictures.
    """

    def __init__(self, plan: Plan, coarse: Spectrum, fine: Spectrum, classes: Classes) -> None:
        self.plan = plan
        self.of = OfTextures(fine=fine, coarse=coarse, classes=classes)
        ring = fine.rings(coarse)
        self._ring = ring[ring >= 0]
        self._strength = np.zeros((0, self.of.width))

    def fit(self, door: Door, state: State, counts: np.ndarray) -> None:
        """Ask, and take out what noise explains.

        Args:
            door, state: answers, and what was saved of them.
            counts: (classes,) pictures of each, from noisy answers.
        """
        self._strength = np.zeros((len(counts), self.of.width))
        if not self.of.width:
            return
        asked = PictureSums(of=self.of, clip=FAR * self.of.width**0.5)
        sums = state.once(NAME, lambda: door.measure(NAME, [asked]))[0]
        noise = self.plan.release(NAME).noise_multiplier * joint_sensitivity([asked])
        self._strength = drawn_together(sums, counts, noise)

    def variances(self) -> np.ndarray:
        """(classes, fine numbers) in the order of the whole spectrum."""
        return np.asarray(self._strength[:, self._ring] ** 2)

    def arrays(self) -> dict[str, np.ndarray]:
        """All that was learnt, by name."""
        return {"strength": self._strength}

    def take_up(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take up what `arrays` gave."""
        self._strength = arrays["strength"]


def drawn_together(sums: np.ndarray, counts: np.ndarray, noise_sd: float) -> np.ndarray:
    """(classes, rings) means, each class drawn to that of all by as much as noise explains.

    Args:
        sums: (classes, rings), with noise.
        counts: (classes,) pictures of each.
        noise_sd: of one cell of `sums`.
    """
    everyone = sums.sum(axis=0) / counts.sum()
    apart = sums / counts[:, None] - everyone
    length = (apart**2).sum(axis=1)
    noise = sums.shape[1] * (noise_sd / counts) ** 2
    factor = np.maximum(1 - noise / np.maximum(length, 1e-300), 0.0)
    return np.asarray(np.maximum(everyone + factor[:, None] * apart, 0.0))
