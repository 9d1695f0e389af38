"""What pictures are compared by, when someone looks for copies of training pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from dpsynth.evaluation.fidelity.picture_features import features
from dpsynth.evaluation.shown import small

# Pictures (n, size, size, channels) uint8 -> one view after another, (n, width) each; the first
# shows pictures as they are. A view's distances are Euclidean.
Views = Callable[[np.ndarray], Iterator[np.ndarray]]

SHIFT = 2  # pixels, at most; and an eighth of the side


def as_they_are(pixels: np.ndarray) -> Iterator[np.ndarray]:
    """Pixels of small pictures: finds copies with noise or other slight changes."""
    yield small(pixels)


def as_features(pixels: np.ndarray) -> Iterator[np.ndarray]:
    """What our own network sees: finds copies of all that it sees, wherever their pixels lie.

    It sees little: 20 features of small pictures, learnt from phantoms. Pictures of two patients
    may be near by chance, so that it finds fewer copies than pixels do, but others.
    """
    yield features(pixels)


def flipped_and_shifted(pixels: np.ndarray) -> Iterator[np.ndarray]:
    """Pixels of small grey pictures, also flipped left to right and shifted by `SHIFT` at most.

    A model that was trained on flipped and shifted pictures gives its copies so, and pixel by
    pixel they are as far from the training picture as any other. A margin of the greatest shift
    is left out, so that all views show parts of the picture and no filling. Colours would treble
    the work, and say little of where things lie.
    """
    pixels = pixels.mean(axis=3, keepdims=True, dtype=np.float32)
    size = pixels.shape[1]
    most = min(SHIFT, size // 8)
    kept = size - 2 * most
    steps = sorted(range(-most, most + 1), key=abs)  # as it is comes first
    for turned in (pixels, pixels[:, :, ::-1]):
        for down in steps:
            for right in steps:
                top, left = most + down, most + right
                yield small(turned[:, top : top + kept, left : left + kept])
