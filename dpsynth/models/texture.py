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
MOST = 1.0  # of the factor's deviation


class Texture:
    """One release: of each class the mean strength of each ring of fine frequencies, and of all.

    Fine frequencies are then independent noise of that strength, all of a picture times a factor
    of its own. Without the factor each class would have one strength, and whoever learns from
    the copy would learn to tell classes by it. Where a spectrum has no fine frequencies,
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
        self._strength = np.zeros((0, self.of.rings))
        self._spread = np.zeros(0)

    def fit(self, door: Door, state: State, counts: np.ndarray) -> None:
        """Ask, and take out what noise explains.

        Args:
            door, state: answers, and what was saved of them.
            counts: (classes,) pictures of each, from noisy answers.
        """
        self._strength = np.zeros((len(counts), self.of.rings))
        self._spread = np.zeros(len(counts))
        if not self.of.rings:
            return
        asked = PictureSums(of=self.of, clip=FAR * self.of.width**0.5)
        sums = state.once(NAME, lambda: door.measure(NAME, [asked]))[0]
        noise = self.plan.release(NAME).noise_multiplier * joint_sensitivity([asked])
        means = drawn_together(sums, counts, noise)
        self._strength = means[:, :-1]
        level = np.maximum((self._strength**2).mean(axis=1), 1e-6)
        self._spread = np.sqrt(np.clip(means[:, -1] / level - 1, 0.0, MOST**2))

    def draw(self, code: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(rows,) classes -> (rows, fine numbers) in the order of the whole spectrum."""
        log_sd = np.sqrt(np.log1p(self._spread**2))[code]
        factor = np.exp(log_sd * rng.normal(size=len(code)) - log_sd**2 / 2)
        noise = rng.normal(size=(len(code), len(self._ring)))
        return np.asarray(noise * self._strength[code][:, self._ring] * factor[:, None])

    def variances(self) -> np.ndarray:
        """(classes, fine numbers) of what is drawn."""
        whole = self._strength**2 * (1 + self._spread[:, None] ** 2)
        return np.asarray(whole[:, self._ring])

    def arrays(self) -> dict[str, np.ndarray]:
        """All that was learnt, by name."""
        return {"strength": self._strength, "spread": self._spread}

    def take_up(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take up what `arrays` gave."""
        self._strength, self._spread = arrays["strength"], arrays["spread"]


def drawn_together(sums: np.ndarray, counts: np.ndarray, noise_sd: float) -> np.ndarray:
    """(classes, numbers) means, each class drawn to that of all by as much as noise explains.

    Args:
        sums: (classes, numbers), with noise.
        counts: (classes,) pictures of each.
        noise_sd: of one cell of `sums`.
    """
    everyone = sums.sum(axis=0) / counts.sum()
    apart = sums / counts[:, None] - everyone
    length = (apart**2).sum(axis=1)
    noise = sums.shape[1] * (noise_sd / counts) ** 2
    factor = np.maximum(1 - noise / np.maximum(length, 1e-300), 0.0)
    return np.asarray(np.maximum(everyone + factor[:, None] * apart, 0.0))
