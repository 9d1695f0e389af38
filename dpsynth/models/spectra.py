"""Pictures as Gaussians of their low frequencies, class by class, out of noisy sums."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dpsynth.data.codec import Codec
from dpsynth.models.class_noise import ClassNoise, class_noise
from dpsynth.models.cleaning import cleaned_counts, roots, settled
from dpsynth.models.state import State
from dpsynth.privacy.door import Door
from dpsynth.privacy.picture_sums import (
    Classes,
    OfPictures,
    PictureLengths,
    PictureMoments,
    PictureSums,
)
from dpsynth.privacy.plan import Plan
from dpsynth.privacy.query import Question, joint_sensitivity
from dpsynth.privacy.spectrum import Spectrum
from dpsynth.schema import Picture, Schema

SHARES = {"means": 0.1, "lengths": 0.05, "spread": 0.85}
KEPT = {1: 10, 3: 6}  # frequencies along each side, by channels
FAR = 1.5  # bound on a spectrum about mid-grey, against the public sizes
COUNTS = 4.0  # weight of class counts against that of sums, in units of their sensitivities
SPREAD = 2.0  # weight of second moments against that of sums, likewise
WITHIN = 0.9  # share of pictures that the second bound leaves as they are
FARTHEST = 3.0  # standard deviations that a picture's strength lies from its class's
EDGES = tuple(np.geomspace(0.05, 2.0, 40))  # of lengths, against the root of their number


class Spectra:
    """Three releases and a Gaussian for each class.

    1. "means": how many pictures each class has, and the sums of their spectra about mid-grey.
    2. "lengths": how far pictures lie from the mean of all; the bound of what follows leaves
       nine in ten as they are.
    3. "spread": sums by class about that mean again, now with a tight bound, and second moments.

    Means and covariances of classes lose what noise explains of them (`cleaning`).

    Args:
        schema, codec, plan: public, or released; the plan holds the releases of `releases`.
        kept: frequencies along each side; none for `KEPT`.
    """

    def __init__(self, schema: Schema, codec: Codec, plan: Plan, kept: int | None) -> None:
        assert codec.picture is not None
        self.codec, self.plan = codec, plan
        self.spectrum = spectrum_of(codec.picture, kept)
        self.classes = classes(schema, codec)
        count, width = self.classes.count(codec), self.spectrum.width
        self._means = np.zeros((count, width))
        self._counts, self._sums = np.ones(count), np.zeros((count, width))
        self._noise_sd = np.zeros(())  # of a cell of the sums
        self._roots = np.zeros((count, width, width))

    @staticmethod
    def releases(share: float) -> tuple[tuple[str, float], ...]:
        """What the plan must hold: names, and shares of the budget that add up to `share`."""
        return tuple((name, share * part) for name, part in SHARES.items())

    def fit(self, door: Door, state: State) -> None:
        """Ask, and clean."""
        counts, centre = self._first(door, state)
        clip = self._bound(door, state, centre)
        of = OfPictures(spectrum=self.spectrum, classes=self.classes, centre=centre)
        moments = PictureMoments(of=of, clip=clip, weight=SPREAD / clip)
        asked: list[Question] = [PictureSums(of=of, clip=clip), moments]
        found = state.once("spread", lambda: door.measure("spread", asked))
        noise = self._noise("spread") * joint_sensitivity(asked)
        self._counts, self._sums, self._noise_sd = counts, found[0], np.asarray(noise)
        apart = settled(found[0], counts, noise, self.spectrum)
        self._means = centre + apart
        seen = (found[1] + found[1].transpose(0, 2, 1)) / 2
        noisy = noise / moments.weight / 2**0.5
        self._roots = roots(seen, apart, counts, noisy, self.spectrum)

    def numbers(self, code: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(rows,) classes -> (rows, width) spectra."""
        drawn = rng.normal(size=(len(code), self.spectrum.width))
        for each in np.unique(code):
            here = code == each
            drawn[here] = drawn[here] @ self._roots[each].T + self._means[each]
        return drawn

    @property
    def middle(self) -> float:
        """Logarithm of the root mean square of the finer half of all pictures' numbers."""
        each = self._squares()[0] / self.spectrum.upper.sum()
        return float(np.log(self._counts @ each / self._counts.sum()) / 2)

    def standing(self, numbers: np.ndarray, code: np.ndarray) -> np.ndarray:
        """(rows,) how strong the finer half of each spectrum is for its class.

        In standard deviations of the logarithm, within `FARTHEST`. The sum of squares of a
        class's Gaussian is taken to be log-normal, of the mean and variance that it has.
        """
        mean, variance = self._squares()
        sd = np.sqrt(np.log1p(variance / mean**2) + 1e-12)
        seen = np.log(np.maximum((numbers[:, self.spectrum.upper] ** 2).sum(axis=1), 1e-12))
        apart = (seen - np.log(mean)[code]) / sd[code] + sd[code] / 2
        return np.asarray(np.clip(apart, -FARTHEST, FARTHEST))

    def _squares(self) -> tuple[np.ndarray, np.ndarray]:
        """(classes,) mean, and variance, of the sum of squares of the finer half."""
        upper = self.spectrum.upper
        m, root = self._means[:, upper], self._roots[:, upper]
        spread = root @ root.transpose(0, 2, 1)
        mean = (m**2).sum(axis=1) + np.trace(spread, axis1=1, axis2=2)
        across = np.einsum("cu,cuv,cv->c", m, spread, m)
        return np.maximum(mean, 1e-12), 2 * (spread**2).sum(axis=(1, 2)) + 4 * across

    @property
    def counts(self) -> np.ndarray:
        """(classes,) pictures of each, from noisy answers, at least 1."""
        return self._counts

    def arrays(self) -> dict[str, np.ndarray]:
        """All that was learnt, by name."""
        return {
            "means": self._means,
            "roots": self._roots,
            "counts": self._counts,
            "sums": self._sums,
            "noise_sd": self._noise_sd,
        }

    def take_up(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take up what `arrays` gave."""
        self._means, self._roots = arrays["means"], arrays["roots"]
        self._counts, self._sums = arrays["counts"], arrays["sums"]
        self._noise_sd = arrays["noise_sd"]

    def by_class(self) -> tuple[ClassNoise, ...]:
        """What noise left of each class's mean picture; none without classes."""
        if self.classes.per_visit is None:
            return ()
        fields = self.codec.visit if self.classes.per_visit else self.codec.static
        names = tuple(fields[self.classes.place].labels)
        held = self._counts, self._sums, float(self._noise_sd)
        return class_noise(names, *held, self.spectrum)

    def _first(self, door: Door, state: State) -> tuple[np.ndarray, np.ndarray]:
        """(classes,) pictures of each, at least 1, and (width,) the mean of all spectra."""
        width = self.spectrum.width
        clip = FAR * width**0.5
        of = OfPictures(spectrum=self.spectrum, classes=self.classes, centre=np.zeros(width))
        sums = PictureSums(of=of, clip=clip, weight=1 / clip)
        asked: list[Question] = [sums, *self.classes.counted(COUNTS)]
        found = state.once("means", lambda: door.measure("means", asked))
        total = float(self.plan.population)
        centre = self.spectrum.even(found[0].sum(axis=0) / total)
        return cleaned_counts(found[1:], total), centre

    def _bound(self, door: Door, state: State, centre: np.ndarray) -> float:
        """The length that about nine in ten pictures have at most, about `centre`."""
        edges = tuple(edge * self.spectrum.width**0.5 for edge in EDGES)
        of = OfPictures(spectrum=self.spectrum, classes=self.classes, centre=centre)
        asked = PictureLengths(of=of, edges=edges)
        found = state.once("lengths", lambda: door.measure("lengths", [asked]))[0]
        share = np.cumsum(np.maximum(found, 0.0))
        place = int(np.searchsorted(share, WITHIN * max(share[-1], 1e-9)))
        return edges[min(place, len(edges) - 1)]

    def _noise(self, name: str) -> float:
        return self.plan.release(name).noise_multiplier


def spectrum_of(picture: Picture, kept: int | None) -> Spectrum:
    """What a schema's pictures are taken to be."""
    kept = kept or KEPT[picture.channels]
    return Spectrum(
        size=picture.size,
        channels=picture.channels,
        kept=min(kept, picture.size),
        upright=picture.upright,
    )


def classes(schema: Schema, codec: Codec) -> Classes:
    """The label's codes, where the schema has a label that is a category or a boolean."""
    if schema.label is None:
        return Classes()
    for per_visit, fields in ((False, codec.static), (True, codec.visit)):
        for place, each in enumerate(fields):
            if each.name == schema.label.column and each.categories:
                return Classes(per_visit=per_visit, place=place)
    return Classes()
