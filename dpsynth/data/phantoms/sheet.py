"""The sheet that a phantom is drawn on: coordinates, soft shapes and the way to bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from dpsynth.data.phantoms.draws import Draws, Real

SMALLEST, LARGEST = 16, 512
Number = Real | float  # one per image, or one for all
PIXELS = 1 << 20  # that are drawn at a time: some 4 MB for each intermediate


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The patients of some images and the draws that belong to them.

    Attributes:
        own: draws that all images of a patient share.
        shot: draws that belong to one image.
        male: (images, 1, 1) 1 for men.
        age: (images, 1, 1) years.
    """

    own: Draws
    shot: Draws
    male: Real
    age: Real

    @staticmethod
    def of(rows: pd.DataFrame, seed: int, scope: str) -> Subject:
        """The subjects of rows as `roll` gives them."""
        patient, shot = rows["_patient"].to_numpy(), rows["_shot"].to_numpy()
        return Subject(
            own=Draws(seed, scope, patient),
            shot=Draws(seed, scope, patient, shot),
            male=column((rows["sex"] == "m").to_numpy()),
            age=column(rows["age"].to_numpy()),
        )

    def childhood(self) -> Real:
        """1 at birth, a third at 8 years, near 0 in adults."""
        return np.exp(-self.age / 8)

    def seniority(self) -> Real:
        """0 until 50 years, 1 from 90."""
        return np.clip((self.age - 50) / 40, 0, 1)


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Where each pixel lies in the frame of the body, which fills about -1 to 1.

    Attributes:
        x: (images, size, size) from left to right.
        y: (images, size, size) from top to bottom.
        pixel: side of a pixel in those units, before pose.
    """

    x: np.ndarray
    y: np.ndarray
    pixel: float

    @staticmethod
    def posed(size: int, turn: Real, wide: Real, tall: Real, right: Real, down: Real) -> Sheet:
        """The sheet under a body that is turned (radians), scaled and then shifted."""
        line = middles(size)
        x, y = line[None, None, :] - right, line[None, :, None] - down
        cos, sin = np.cos(turn), np.sin(turn)
        return Sheet(x=(cos * x + sin * y) / wide, y=(cos * y - sin * x) / tall, pixel=2 / size)

    def within(self, depth: np.ndarray, soft: Number = 0.0) -> np.ndarray:
        """Share of a pixel inside a shape, in (0, 1).

        Args:
            depth: (images, size, size) distance inside the shape's edge, negative outside.
            soft: how blurred the edge is; it is never sharper than the pixels.
        """
        return expit(depth / np.maximum(soft, 0.3 * self.pixel))

    def ellipse(
        self, x: Number, y: Number, wide: Number, tall: Number, soft: float = 0.0
    ) -> np.ndarray:
        """Share of a pixel inside an ellipse with those centre and half axes."""
        reach = np.sqrt(((self.x - x) / wide) ** 2 + ((self.y - y) / tall) ** 2)
        return self.within((1 - reach) * np.minimum(wide, tall), soft)

    def haze(self, x: Number, y: Number, wide: Number, tall: Number) -> np.ndarray:
        """A blurred spot, 1 at its centre."""
        return np.exp(-(((self.x - x) / wide) ** 2) - ((self.y - y) / tall) ** 2)

    def waves(self, draws: Draws, name: str, frequency: float, count: int = 4) -> np.ndarray:
        """A smooth random texture, about -1 to 1, of so many radians per unit."""
        total = np.zeros_like(self.x)
        for place in range(count):
            angle = draws.uniform(f"{name} angle {place}", 0, np.pi)
            speed = frequency * draws.uniform(f"{name} speed {place}", 0.6, 1.4)
            phase = draws.uniform(f"{name} phase {place}", 0, 2 * np.pi)
            total += np.cos(speed * (np.cos(angle) * self.x + np.sin(angle) * self.y) + phase)
        return total / np.float32(np.sqrt(2 * count))


def middles(size: int) -> np.ndarray:
    """(size,) where the middles of a row of pixels lie, from -1 to 1."""
    return ((np.arange(size) + 0.5) * 2 / size - 1).astype(np.float32)


def column(values: np.ndarray) -> Real:
    """Numbers per image, shaped to meet images."""
    return values.astype(np.float32)[:, None, None]


def to_bytes(light: np.ndarray) -> np.ndarray:
    """Light in [0, 1], clipped, as bytes."""
    return np.round(np.clip(light, 0, 1) * 255).astype(np.uint8)


def drawn(rows: pd.DataFrame, size: int, draw: Callable[[pd.DataFrame], np.ndarray]) -> np.ndarray:
    """Draw the rows' images some at a time, so that memory does not grow with the set.

    Args:
        rows: one row per image.
        size: side of the images in pixels, between 16 and 512.
        draw: rows to (images, size, size, channels) uint8.
    """
    step = max(1, PIXELS // size**2)
    return np.concatenate([draw(rows[at : at + step]) for at in range(0, len(rows), step)])


def check_size(size: int) -> None:
    """Refuse sizes that no phantom looks like anything at, or that fill the memory."""
    if not SMALLEST <= size <= LARGEST:
        raise ValueError(f"size must be in {SMALLEST} to {LARGEST} pixels, got {size!r}")
