"""Where pneumonia fills the lungs: a few blurred opacities, focal or of a whole lobe."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dpsynth.data.phantoms.draws import Draws, Real
from dpsynth.data.phantoms.sheet import Sheet, column

MILD = 0.35  # the least severity
SPOTS = (0.0, 0.45, 0.65)  # the severity from which an ill lung has a first, second, third spot


@dataclass(frozen=True, kw_only=True)
class Pneumonia:
    """The disease of each row's patient, the same in all images of one.

    Attributes:
        severity: (images, 1, 1) in [0.35, 1], 0 in the healthy.
        right: (images, 1, 1) 1 where the patient's right lung, on the image's left, is ill.
        left: (images, 1, 1) 1 where the left one is.
        lobar: (images, 1, 1) 1 where a whole lobe is opaque beside the blurred spots.
        contrast: (images, 1, 1) what the truth lets show of it.
    """

    severity: Real
    right: Real
    left: Real
    lobar: Real
    contrast: Real

    @staticmethod
    def of(own: Draws, ill: np.ndarray, contrast: np.ndarray) -> Pneumonia:
        """Draw the disease of ill rows."""
        side = own.flat("pneumonia side")
        return Pneumonia(
            severity=own.uniform("pneumonia severity", MILD, 1) * column(ill),
            right=column(ill & (side < 0.65)),
            left=column(ill & (side >= 0.35)),
            lobar=own.chance("pneumonia lobar", 0.5) * column(ill),
            contrast=column(contrast),
        )

    def truths(self) -> dict[str, np.ndarray]:
        """The columns of truth that say where the disease is, one value per image."""
        right, left, lobar = (each[:, 0, 0] > 0 for each in (self.right, self.left, self.lobar))
        side = np.select([right & left, right, left], ["both", "right", "left"], "none")
        kind = np.select([lobar, right | left], ["lobar", "focal"], "none")
        return {
            "truth_severity": self.severity[:, 0, 0].astype(float),
            "truth_side": side.astype(object),
            "truth_kind": kind.astype(object),
        }

    def opacity(self, own: Draws, sheet: Sheet) -> np.ndarray:
        """Share of the air that fluid replaces, (images, size, size) in [0, 1]."""
        clear = np.ones_like(sheet.x)
        for side, ill, sign in (("right", self.right, -1), ("left", self.left, 1)):
            for spot, least in enumerate(SPOTS):
                name = f"opacity {side} {spot} "
                depth = (0.7 + 0.3 * self.severity) * own.uniform(name + "depth", 0.7, 1)
                there = ill * (self.severity >= least)
                clear *= 1 - there * depth * self._shape(own, sheet, name, sign)
            lobe = self._lobe(own, sheet, f"lobe {side} ", sign)
            clear *= 1 - ill * self.lobar * (0.6 + 0.35 * self.severity) * lobe
        mottle = 1 + 0.25 * sheet.waves(own, "mottle", 16)
        return self.contrast * np.clip((1 - clear) * mottle, 0, 1)

    def _shape(self, own: Draws, sheet: Sheet, name: str, sign: int) -> np.ndarray:
        wide = own.uniform(name + "wide", 0.2, 0.3) * (0.8 + 0.5 * self.severity)
        return sheet.haze(
            sign * own.uniform(name + "x", 0.28, 0.6),
            own.uniform(name + "y", -0.35, 0.5),
            wide,
            wide * own.uniform(name + "tall", 0.8, 1.3),
        )

    def _lobe(self, own: Draws, sheet: Sheet, name: str, sign: int) -> np.ndarray:
        low = own.chance(name + "lower", 0.65)
        tilt = own.normal(name + "tilt", 0, 0.2)
        border = own.normal(name + "border", 0.05, 0.1) + tilt * (sign * sheet.x - 0.4)
        own_side = sheet.within(sign * sheet.x, 0.05)
        return own_side * sheet.within((sheet.y - border) * (2 * low - 1), 0.05)


def disease_of(rows: pd.DataFrame, label: str, own: Draws) -> Pneumonia:
    """The disease of rows as `roll` gives them, where label "true" is ill."""
    return Pneumonia.of(own, (rows[label] == "true").to_numpy(), rows["truth_contrast"].to_numpy())
