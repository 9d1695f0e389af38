"""Patients of thirty columns that follow from four hidden ones, and copies with planted leaks."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.data.codec import Tokens

COLUMNS, HIDDEN = 30, 4


@pytest.fixture(scope="session")
def wide():
    """Makes patients by number and seed: codes 0 to 9, no visits."""
    paths = np.random.default_rng(99).normal(size=(HIDDEN, COLUMNS))

    def make(patients: int, seed: int) -> Tokens:
        rng = np.random.default_rng([seed, 5])
        x = rng.normal(size=(patients, HIDDEN)) @ paths + rng.normal(size=(patients, COLUMNS))
        return of(np.clip(x + 5, 0, 9))

    return make


@pytest.fixture(scope="session")
def planted(wide):
    """Makes fresh patients among whom the first of given ones stand, with some codes redrawn."""

    def make(real: Tokens, copied: int, patients: int, seed: int, altered: int = 0) -> Tokens:
        codes, rng = wide(patients, seed).static.copy(), np.random.default_rng(seed)
        codes[:copied] = real.static[:copied]
        for patient in codes[:copied]:
            at = rng.choice(COLUMNS, altered, replace=False)
            patient[at] = (patient[at] + rng.integers(1, 10, altered)) % 10
        return of(codes)

    return make


def of(codes: np.ndarray) -> Tokens:
    """Patients of static codes only."""
    n = len(codes)
    return Tokens(
        static=codes.astype(np.int16),
        visits=np.zeros((n, 0, 0), dtype=np.int16),
        length=np.zeros(n, dtype=np.int16),
    )
