"""A holdout that is drawn patient by patient, so that no patient moves another."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

import numpy as np

SHORTEST_SECRET = 16


def holdout(keys: Iterable[str], rate: float, secret: bytes) -> np.ndarray:
    """Which patients are held out.

    Args:
        keys: patient keys as text.
        rate: public chance of each patient to be held out, in (0, 1).
        secret: at least 16 bytes that nobody who chooses keys knows.

    Returns:
        (patients,) true for the holdout.

    Guarantee:
        A patient's side is HMAC-SHA256 of the key alone: adding, removing or reordering
        patients moves no other, and the holdout's size is not fixed by their number.
    """
    if not 0 < rate < 1:
        raise ValueError(f"rate must be in (0, 1), got {rate!r}")
    if len(secret) < SHORTEST_SECRET:
        raise ValueError(f"secret must have at least {SHORTEST_SECRET} bytes, got {len(secret)}")
    below = int(rate * 2.0**64)
    return np.array([_draw(key, secret) < below for key in keys], dtype=bool)


def _draw(key: str, secret: bytes) -> int:
    digest = hmac.digest(secret, key.encode(), hashlib.sha256)
    return int.from_bytes(digest[:8], "big")
