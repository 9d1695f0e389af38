"""The pictures of one data set as metrics compare them: whose they are, and what they show."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.evaluation.utility.task import find_label, label_of_codes
from dpsynth.schema import Label

UNKNOWN = -1
SIDE = 16  # of a picture as pixels are compared, at most


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Pictures of patients.

    Attributes:
        pixels: (pictures, size, size, channels) uint8.
        patient: (pictures,) position of the patient whose picture it is.
        patients: number of patients in the data set, with or without a picture.
        code: (pictures,) class of the label that it shows, UNKNOWN where the label is missing.
        classes: names of the classes; one without a name where there is no label.
        positive: (pictures,) bool, whether the label counts as 1; all False without a label.
    """

    pixels: np.ndarray
    patient: np.ndarray
    patients: int
    code: np.ndarray
    classes: tuple[str, ...]
    positive: np.ndarray

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.pixels)

    @property
    def weight(self) -> np.ndarray:
        """(pictures,) 1 / how many pictures the patient has: each patient counts as one."""
        return 1.0 / np.maximum(np.bincount(self.patient, minlength=self.patients), 1)[self.patient]

    def like(self, pixels: np.ndarray) -> Shown:
        """The same patients and classes with other pictures."""
        return replace(self, pixels=pixels)

    def one_each(self, rng: np.random.Generator) -> Shown:
        """One picture of each patient who has any, drawn evenly."""
        order = rng.permutation(len(self))
        _, first = np.unique(self.patient[order], return_index=True)
        kept = order[first]
        return replace(
            self,
            pixels=self.pixels[kept],
            patient=self.patient[kept],
            code=self.code[kept],
            positive=self.positive[kept],
        )


def shown(tokens: Tokens, codec: Codec, label: Label | None) -> Shown:
    """The pictures of tokens, patient by patient.

    A label that is a number has two classes, on either side of its threshold.

    Raises:
        SchemaError: if the label is no column, or does not say what counts as 1.
    """
    assert tokens.pictures is not None
    patient, turn = np.nonzero(tokens.inside)
    names: tuple[str, ...] = ("",)
    code = np.zeros(len(patient), dtype=np.int64)
    positive = np.zeros(len(patient), dtype=bool)
    if label is not None:
        per_visit, place, field = find_label(codec, label)
        codes = tokens.visits[patient, turn, place] if per_visit else tokens.static[patient, place]
        positive, known = label_of_codes(codes, field, label)
        if field.categories:
            code, names = codes.astype(np.int64), field.categories
        else:
            cut = f"{label.column} {{}} {label.above:g}"
            code, names = positive.astype(np.int64), (cut.format("<="), cut.format(">"))
        code = np.where(known, code, UNKNOWN)
    return Shown(
        pixels=tokens.pictures[patient, turn],
        patient=patient,
        patients=len(tokens),
        code=code,
        classes=names,
        positive=positive,
    )


def random_shades(like: Shown, rng: np.random.Generator) -> Shown:
    """The control: every shade equally likely, for whoever knows size and colours alone."""
    return like.like(rng.integers(0, 256, like.pixels.shape).astype(np.uint8))


def class_means(like: Shown) -> Shown:
    """The control: each picture is the mean of its class, every patient counting as one."""
    found, weight = np.empty_like(like.pixels), like.weight
    for code in np.unique(like.code):
        here = like.code == code
        mean = np.tensordot(weight[here], like.pixels[here], 1) / weight[here].sum()
        found[here] = np.rint(mean).astype(np.uint8)
    return like.like(found)


def without_detail(pixels: np.ndarray, side: int = 4) -> np.ndarray:
    """(pictures, size, size, channels): every square of that side made even."""
    n, size, _, channels = pixels.shape
    few = -(-size // side)
    wide = np.pad(pixels, ((0, 0), *(((0, few * side - size),) * 2), (0, 0)), mode="edge")
    mean = wide.reshape(n, few, side, few, side, channels).mean(axis=(2, 4))
    even = np.rint(mean).astype(np.uint8).repeat(side, axis=1).repeat(side, axis=2)
    return even[:, :size, :size]


def small(pixels: np.ndarray, side: int = SIDE) -> np.ndarray:
    """(pictures, features) float32 in [0, 1]: pictures of at most `side` pixels a side.

    Each new pixel is the mean of a square of old ones; what does not fill a square at the right
    and at the bottom is left out.
    """
    n, size, _, channels = pixels.shape
    step = -(-size // side)
    kept = size // step
    cut = pixels[:, : kept * step, : kept * step].reshape(n, kept, step, kept, step, channels)
    return (cut.mean(axis=(2, 4), dtype=np.float32) / 255).reshape(n, kept * kept * channels)
