"""Real or synthetic records in one canonical form, as readers give them and writers take them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Records:
    """Patients with their static facts and visits, cleaned as the schema says.

    Attributes:
        keys: (patients,) patient keys as text; never leave the machine of the steward.
        static: one row per patient, per-patient columns in the schema's order. Numbers,
            counts: float64, NaN is missing. Categories, booleans: text, None is missing
            (booleans are "true" and "false").
        visits: one row per visit: "patient" (position in `keys`), "time" (float, in the
            clock's unit; the window's index for a grid, 0, 1, ... for an order), then the
            per-visit columns. Sorted by patient and time. Empty for static data. A patient
            may have no visit at all.
    """

    keys: np.ndarray
    static: pd.DataFrame
    visits: pd.DataFrame

    def __len__(self) -> int:
        """Number of patients."""
        return len(self.keys)

    def take(self, patients: np.ndarray) -> Records:
        """The records of those patients (positions), in that order, each with all visits."""
        place = np.full(len(self.keys), -1)
        place[patients] = np.arange(len(patients))
        visits = self.visits
        if len(visits):
            where = place[visits["patient"].to_numpy()]
            visits = visits.assign(patient=where)[where >= 0]
            visits = visits.sort_values("patient", kind="stable").reset_index(drop=True)
        return Records(
            self.keys[patients], self.static.iloc[patients].reset_index(drop=True), visits
        )
