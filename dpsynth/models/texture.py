"""How strong pictures' fine frequencies are, class by class: what coarse ones leave out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from dpsynth.models.state import State
from dpsynth.privacy.door import Door
from dpsynth.privacy.picture_sums import TOGETHER, Classes, OfTextures, PictureSums
from dpsynth.privacy.plan import Plan
from dpsynth.privacy.query import joint_sensitivity
from dpsynth.privacy.spectrum import Spectrum

NAME = "texture"  # of the release
FAR = 1.25  # bound on a picture's numbers, root mean square
MOST = 0.8  # of the deviation of the factor's logarithm


class Texture:
    """One release: of each class the mean strength of each ring of fine frequencies.

    Fine frequencies are then independent noise of that strength, all of a picture times a factor
    of its own. Without the factor each class would have one strength, and whoever learns from
    the copy would learn to tell classes by it. In real pictures that factor goes with how strong
    coarse frequencies are (`agreement`): a sharp picture is sharp at all scales. Where a spectrum
    has no fine frequencies, nothing is asked.

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
        self._agreement = np.zeros(())

    def fit(self, door: Door, state: State, counts: np.ndarray, middle: float) -> None:
        """Ask, and take out what noise explains.

        Args:
            door, state: answers, and what was saved of them.
            counts: (classes,) pictures of each, from noisy answers.
            middle: logarithm of a usual strength of coarse frequencies, from noisy answers.
        """
        self._strength = np.zeros((len(counts), self.of.rings))
        self._spread = np.zeros(len(counts))
        if not self.of.rings:
            return
        of = replace(self.of, middle=middle)
        asked = PictureSums(of=of, clip=FAR * self.of.width**0.5)
        sums = state.once(NAME, lambda: door.measure(NAME, [asked]))[0]
        noise = self.plan.release(NAME).noise_multiplier * joint_sensitivity([asked])
        means = drawn_together(sums, counts, noise)
        self._strength = np.maximum(means[:, :-TOGETHER], 0.0)
        a, b, squares = means[:, -TOGETHER:].T[:3]
        within = drawn_together(((squares - a * a) * counts)[:, None], counts, noise)[:, 0]
        self._spread = np.sqrt(np.clip(within, 0.0, MOST**2))
        self._agreement = np.asarray(agreement(sums.sum(axis=0) / counts.sum(), a, b, counts))

    def draw(self, standing: np.ndarray, code: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(rows, fine numbers) in the order of the whole spectrum.

        Args:
            standing: (rows,) how strong the picture's coarse frequencies are for its class, in
                standard deviations.
            code: (rows,) classes.
            rng: of the rest.
        """
        rest = (1 - self._agreement**2) ** 0.5 * rng.normal(size=len(code))
        spread = self._spread[code]
        factor = np.exp(spread * (self._agreement * standing + rest) - spread**2 / 2)
        noise = rng.normal(size=(len(code), len(self._ring)))
        return np.asarray(noise * self._strength[code][:, self._ring] * factor[:, None])

    def variances(self) -> np.ndarray:
        """(classes, fine numbers) of what is drawn, about; exact where `standing` is normal."""
        whole = self._strength**2 * np.exp(self._spread[:, None] ** 2)
        return np.asarray(whole[:, self._ring])

    def arrays(self) -> dict[str, np.ndarray]:
        """All that was learnt, by name."""
        return {
            "strength": self._strength,
            "spread": self._spread,
            "agreement": self._agreement,
        }

    def take_up(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take up what `arrays` gave."""
        self._strength, self._spread = arrays["strength"], arrays["spread"]
        self._agreement = arrays["agreement"]


def agreement(everyone: np.ndarray, a: np.ndarray, b: np.ndarray, counts: np.ndarray) -> float:
    """Correlation of a and b within classes, within [0, 1]; 0 where noise leaves no variance.

    Args:
        everyone: means over all pictures; the last three are those of a^2, ab and b^2.
        a, b: (classes,) means.
        counts: (classes,) pictures of each.
    """
    weight = counts / counts.sum()
    within = everyone[-3:] - [weight @ (a * a), weight @ (a * b), weight @ (b * b)]
    if min(within[0], within[2]) <= 0:
        return 0.0
    return float(np.clip(within[1] / (within[0] * within[2]) ** 0.5, 0.0, 1.0))


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
    return np.asarray(everyone + factor[:, None] * apart)
