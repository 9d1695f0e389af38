"""Where noise and sampling come from: a cryptographic stream keyed by the operating system."""

from __future__ import annotations

import hashlib
import os
from typing import Protocol

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


class Randomness(Protocol):
    """What the door draws from; tests put silent or forced sources in its place."""

    def normal(self, size: int) -> np.ndarray:
        """`size` standard Gaussians, float64."""

    def join(self, patients: int, rate: float) -> np.ndarray:
        """Positions of the patients that join a step, each independently with `rate`."""

    def two_sided_geometric(self, epsilon: float) -> int:
        """A whole number x with probability proportional to exp(-epsilon |x|)."""

    def seed(self) -> int:
        """63 bits for augmentations, whose randomness carries no promise."""


class CryptoStream:
    """AES-256 in counter mode under a key of 256 bits from the operating system.

    Guarantee:
        Draws are independent and of the stated law for whoever can't tell AES from a random
        function, up to floating point: Gaussians are made of 52-bit uniforms by Box-Muller and
        rounded to float64, so their tail ends at 8.5 standard deviations and their last bits
        are not those of the continuous law. That is stated on the privacy card. Whole-number
        noise (`two_sided_geometric`) shows no such bits; its tail ends at 36 / epsilon.
        The key is never stored, printed or returned; a resumed run has another key, and so has
        a forked process, which would else draw its parent's noise a second time.

    Args:
        insecure_seed: makes the stream repeatable, and the noise removable by whoever knows
            the seed. For experiments only; the card and every output then say so.
    """

    def __init__(self, insecure_seed: int | None = None) -> None:
        self._insecure_seed = insecure_seed
        self._start()

    def _start(self) -> None:
        key = (
            os.urandom(32)
            if self._insecure_seed is None
            else hashlib.sha256(f"dpsynth insecure seed {self._insecure_seed}".encode()).digest()
        )
        self._process = os.getpid()
        self._cipher = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()

    def _words(self, count: int) -> np.ndarray:
        if self._process != os.getpid():
            self._start()
        return np.frombuffer(self._cipher.update(bytes(8 * count)), dtype=np.uint64)

    def uniform(self, size: int) -> np.ndarray:
        """Uniforms in (0, 1) at 52 bits: with 53, adding the half would round up to 1."""
        return ((self._words(size) >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52

    def normal(self, size: int) -> np.ndarray:
        """Standard Gaussians by Box and Muller (1958)."""
        half = (size + 1) // 2
        radius = np.sqrt(-2.0 * np.log(self.uniform(half)))
        angle = 2.0 * np.pi * self.uniform(half)
        return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:size]

    def join(self, patients: int, rate: float) -> np.ndarray:
        """Poisson sampling: one independent coin of probability `rate` per patient."""
        return np.flatnonzero(self.uniform(patients) < rate)

    def two_sided_geometric(self, epsilon: float) -> int:
        """Difference of two geometric draws (Ghosh, Roughgarden, Sundararajan 2012)."""
        draws = np.floor(np.log(self.uniform(2)) / -epsilon)
        return int(draws[0] - draws[1])

    def seed(self) -> int:
        """63 bits of the stream."""
        return int(self._words(1)[0] >> np.uint64(1))
