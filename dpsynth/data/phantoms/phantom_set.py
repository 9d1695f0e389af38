"""Phantoms and the table that goes with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dpsynth.data.phantoms.truth import HIDDEN, Truth


@dataclass(frozen=True, kw_only=True)
class PhantomSet:
    """Images with one row each.

    Attributes:
        images: (images, size, size, channels) uint8, channels 1 for grey and 3 for RGB.
        table: one row per image: "patient" (key as text), "image" (a file name), the label,
            "sex" ("f", "m"), "age" (whole years), and what no reader of an image would know,
            in columns that begin with "truth_". All images of a patient are neighbours.
        truth: the law that they were drawn from.
    """

    images: np.ndarray
    table: pd.DataFrame
    truth: Truth

    def __post_init__(self) -> None:
        """Check that images and table fit."""
        if self.images.ndim != 4 or self.images.dtype != np.uint8:
            raise ValueError(
                "images must be (images, size, size, channels) uint8, "
                f"got {self.images.shape} {self.images.dtype}"
            )
        if len(self.images) != len(self.table):
            raise ValueError(
                f"table must have one row per image: {len(self.images)}, got {len(self.table)}"
            )

    def __len__(self) -> int:
        """Number of images."""
        return len(self.images)

    def facts(self) -> pd.DataFrame:
        """The table as a hospital would have it: without the columns of truth."""
        hidden = [name for name in self.table.columns if str(name).startswith(HIDDEN)]
        return self.table.drop(columns=hidden)
