"""Random numbers that belong to a patient and a name, not to a place in a sequence."""

from __future__ import annotations

import hashlib

import numpy as np
from scipy.special import ndtri

STEP = np.uint64(0x9E3779B97F4A7C15)
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
Real = np.ndarray  # float32, shaped (rows, 1, 1) so that it meets an image (rows, size, size)


class Draws:
    """Independent numbers, one per row, for each name that is asked for.

    A number is a hash of the seed, the name and the row's counters. Hence a row does not
    depend on the other rows, nor a name on the names that were asked for before.

    Args:
        seed: any whole number.
        scope: text that keeps two kinds of phantoms apart under one seed.
        counters: (rows,) whole numbers each, e.g. patient and image: together they name a row.

    NOTE: SplitMix64 (Steele, Lea and Flood, 2014) from a BLAKE2b start. Good enough to draw
    pictures; nothing that protects a patient may use it.
    """

    def __init__(self, seed: int, scope: str, *counters: np.ndarray) -> None:
        self._start = f"{seed}/{scope}/{len(counters)}"
        self._counters = tuple(each.astype(np.uint64)[:, None] for each in counters)

    def flat(self, name: str) -> np.ndarray:
        """(rows,) uniform float64 in (0, 1)."""
        return self._uniform(name, 1)[:, 0]

    def uniform(self, name: str, low: float = 0.0, high: float = 1.0) -> Real:
        """Uniform between the two."""
        return _shaped(low + (high - low) * self.flat(name))

    def normal(self, name: str, mean: float = 0.0, stddev: float = 1.0) -> Real:
        """Normal, cut at three standard deviations so that no anatomy falls apart."""
        return _shaped(mean + stddev * np.clip(ndtri(self.flat(name)), -3, 3))

    def chance(self, name: str, probability: float) -> Real:
        """1 with that probability, else 0."""
        return _shaped(self.flat(name) < probability)

    def grain(self, name: str, size: int, channels: int = 1) -> np.ndarray:
        """Normal noise, (rows, size, size, channels) float32."""
        noise = ndtri(self._uniform(name, size * size * channels)).astype(np.float32)
        return noise.reshape(-1, size, size, channels)

    def _uniform(self, name: str, places: int) -> np.ndarray:
        """(rows, places) uniform float64 in (0, 1)."""
        digest = hashlib.blake2b(f"{self._start}/{name}".encode(), digest_size=8).digest()
        state = np.array([[int.from_bytes(digest, "big")]], dtype=np.uint64)
        for counter in (*self._counters, np.arange(places, dtype=np.uint64)[None, :]):
            state = _mixed(state + STEP * (counter + np.uint64(1)))
        return ((state >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def _mixed(state: np.ndarray) -> np.ndarray:
    state = (state ^ (state >> np.uint64(30))) * FIRST
    state = (state ^ (state >> np.uint64(27))) * SECOND
    return state ^ (state >> np.uint64(31))


def _shaped(values: np.ndarray) -> Real:
    return values.astype(np.float32)[:, None, None]
