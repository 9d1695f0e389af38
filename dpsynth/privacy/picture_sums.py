"""Questions about pictures: sums by class of their spectra, with one bound on a patient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.privacy.moments import UNSAID, clipped
from dpsynth.privacy.query import Query, Question, Slot, Where
from dpsynth.privacy.spectrum import Spectrum

TOGETHER = 5  # numbers of how the strengths of fine and coarse frequencies go together
MOST = 1.5  # bound on the logarithm of a strength, about the middle
CHUNK = 512  # patients whose pictures are held as numbers at once

Rows = Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]


@dataclass(frozen=True, kw_only=True)
class Classes:
    """Which class a picture is of: its code in one field.

    Attributes:
        per_visit: whether the field is of the visit or of the patient; none: all are of one.
        place: of the field.
    """

    per_visit: bool | None = None
    place: int = 0

    def count(self, codec: Codec) -> int:
        """How many there are."""
        if self.per_visit is None:
            return 1
        return (codec.visit if self.per_visit else codec.static)[self.place].size

    def counted(self, weight: float = 1.0) -> list[Question]:
        """The question how many pictures are of each; none where all are of one."""
        if self.per_visit is None:
            return []
        where: Where = "now" if self.per_visit else "static"
        return [Query(slots=(Slot(where, self.place),), weight=weight)]

    def of(self, tokens: Tokens, patient: np.ndarray, turn: np.ndarray) -> np.ndarray:
        """(rows,) classes of those patients' pictures."""
        if self.per_visit is None:
            return np.zeros(len(patient), dtype=np.int64)
        if self.per_visit:
            return tokens.visits[patient, turn, self.place].astype(np.int64)
        return tokens.static[patient, self.place].astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class OfPictures:
    """What is asked about: each picture's spectrum about a centre, and its class.

    Attributes:
        spectrum: what a picture's numbers are.
        classes: of pictures.
        centre: (width,) taken off; public, or released.
    """

    spectrum: Spectrum
    classes: Classes
    centre: np.ndarray = field(repr=False)

    @property
    def width(self) -> int:
        """How many numbers a picture has."""
        return self.spectrum.width

    def rows(self, tokens: Tokens) -> Rows:
        """See `shared`."""
        return shared(tokens, self.classes, lambda seen: self.spectrum.of(seen) - self.centre)


@dataclass(frozen=True, kw_only=True)
class OfTextures:
    """What is asked about: how strong a picture's fine frequencies are, and beside its coarse ones.

    Attributes:
        fine: a picture's frequencies, in public sizes.
        coarse: those that are in no ring; see `Spectrum.rings`.
        classes: of pictures.
        middle: logarithm of a strength, taken off those of a and b; public, or released.
    """

    fine: Spectrum
    coarse: Spectrum
    classes: Classes
    middle: float = 0.0

    @property
    def rings(self) -> int:
        """How many rings there are."""
        return int(self.fine.rings(self.coarse).max(initial=-1)) + 1

    @property
    def width(self) -> int:
        """How many numbers a picture has."""
        return self.rings + TOGETHER

    def rows(self, tokens: Tokens) -> Rows:
        """See `shared`.

        A ring's strength is the root of the mean square of its numbers. After the rings' stand
        a, b, a^2, ab, b^2: a is the logarithm of the mean of the rings' strengths, b that of the
        strength of the finer half of the coarse frequencies; both about `middle`, within `MOST`.
        """
        ring, rings = self.fine.rings(self.coarse), self.rings
        member = (ring[:, None] == np.arange(rings)) / np.maximum(
            np.bincount(ring[ring >= 0], minlength=rings), 1
        )

        upper = self.coarse.places_in(self.fine)[self.coarse.upper]

        def numbers(seen: np.ndarray) -> np.ndarray:
            squares = self.fine.of(seen) ** 2
            strengths = np.sqrt(squares @ member)
            a = self._log(strengths.mean(axis=1))
            b = self._log(np.sqrt(squares[:, upper].mean(axis=1)))
            return np.column_stack([strengths, a, b, a * a, a * b, b * b])

        return shared(tokens, self.classes, numbers)

    def _log(self, strength: np.ndarray) -> np.ndarray:
        return np.clip(np.log(np.maximum(strength, 1e-12)) - self.middle, -MOST, MOST)


def shared(tokens: Tokens, classes: Classes, numbers: Callable[[np.ndarray], np.ndarray]) -> Rows:
    """Chunks of (rows,) classes, (rows, width) numbers and (rows,) shares of their patients.

    Guarantee:
        A patient's shares add up to 1, however many pictures there are, or there are none.

    Args:
        tokens: with pictures. Private.
        classes: of pictures.
        numbers: (rows, size, size, channels) -> (rows, width), each row's of that row alone.
    """
    for start in range(0, len(tokens), CHUNK):
        part = tokens.take(np.arange(start, min(start + CHUNK, len(tokens))))
        assert part.pictures is not None
        patient, turn = np.nonzero(part.inside)
        if len(patient):
            apart = numbers(part.pictures[patient, turn])
            yield classes.of(part, patient, turn), apart, 1.0 / part.length[patient]


@dataclass(frozen=True, kw_only=True)
class PictureSums:
    """Sum of a picture's numbers by class.

    Guarantee:
        Each picture is scaled down to length at most `clip` and stands in one class; a patient
        adds the mean of such vectors, which is no longer: that is how far one patient, added or
        removed, moves the answer in L2.

    Attributes:
        of: what is asked about.
        clip: bound on the length of a picture's numbers.
        weight: in a joint release.
    """

    of: OfPictures | OfTextures
    clip: float
    weight: float = 1.0

    @property
    def sensitivity(self) -> float:
        """See the guarantee."""
        return self.clip

    @UNSAID
    def answer(self, tokens: Tokens, codec: Codec) -> np.ndarray:
        """(classes, width) the exact sums. Private."""
        total = np.zeros((self.of.classes.count(codec), self.of.width))
        for code, apart, share in self.of.rows(tokens):
            np.add.at(total, code, clipped(apart, self.clip) * share[:, None])
        return total


@dataclass(frozen=True, kw_only=True)
class PictureMoments:
    """Sum of z z' by class.

    Guarantee:
        Each picture is scaled down to length at most `clip`, so z z' has Frobenius norm at
        most clip^2 and stands in one class; a patient adds the mean of such matrices: clip^2
        is how far one patient, added or removed, moves the answer in L2.

    Attributes:
        of: what is asked about.
        clip: bound on the length of a picture's numbers.
        weight: in a joint release.
    """

    of: OfPictures
    clip: float
    weight: float = 1.0

    @property
    def sensitivity(self) -> float:
        """See the guarantee."""
        return self.clip * self.clip

    @UNSAID
    def answer(self, tokens: Tokens, codec: Codec) -> np.ndarray:
        """(classes, width, width) the exact sums. Private."""
        count, width = self.of.classes.count(codec), self.of.width
        total = np.zeros((count, width, width))
        for code, apart, share in self.of.rows(tokens):
            held = clipped(apart, self.clip)
            for each in range(count):
                here = code == each
                total[each] += (held[here] * share[here, None]).T @ held[here]
        return total


@dataclass(frozen=True, kw_only=True)
class PictureLengths:
    """How many pictures are how long: a histogram over public edges.

    Guarantee:
        A picture stands in one cell; a patient adds weight 1 spread over its pictures: one
        patient, added or removed, moves the answer by at most 1 in L2.

    Attributes:
        of: what is asked about.
        edges: (cells - 1,) inner edges of lengths, increasing; public.
        weight: in a joint release.
    """

    of: OfPictures
    edges: tuple[float, ...]
    weight: float = 1.0

    @property
    def sensitivity(self) -> float:
        """See the guarantee."""
        return 1.0

    @UNSAID
    def answer(self, tokens: Tokens, codec: Codec) -> np.ndarray:
        """(cells,) the exact histogram. Private."""
        total = np.zeros(len(self.edges) + 1)
        for _, apart, share in self.of.rows(tokens):
            cell = np.searchsorted(self.edges, np.linalg.norm(apart, axis=1))
            np.add.at(total, cell, share)
        return total
