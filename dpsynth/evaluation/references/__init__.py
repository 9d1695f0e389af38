"""References WITHOUT privacy (epsilon = infinity): how far generators get that see real records.

They stand beside our models in benchmark tables, where epsilon is null. They are no models of the
registry: nothing here is trained through the door, nothing can be released, and `dpsynth train`
refuses their names. Adding one: one file, one test, one line here.
"""

from __future__ import annotations

from typing import Protocol

from dpsynth.data.codec import Codec, Tokens
from dpsynth.evaluation.references.ctgan import ctgan
from dpsynth.evaluation.references.par import par


class Reference(Protocol):
    """A generator that reads real patients directly."""

    def __call__(
        self, real: Tokens, codec: Codec, patients: int, *, seed: int = 0, epochs: int | None = None
    ) -> Tokens:
        """Learn from real patients and generate others.

        Args:
            real: the training part, unprotected.
            codec: its code books.
            patients: how many to generate.
            seed: of training and generation.
            epochs: of training; none for SDV's default.

        Raises:
            InputError: if SDV is not installed.
        """


REFERENCES: dict[str, Reference] = {"par": par, "ctgan": ctgan}
