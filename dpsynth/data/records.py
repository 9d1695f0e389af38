"""Real or synthetic records in one canonical form, as readers give them and writers take them."""

from __future__ import annotations

from collections.abc import Sequence
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
        pictures: (visits, size, size, channels) uint8, that of each row of `visits`; none
            where the schema has no pictures.
    """

    keys: np.ndarray
    static: pd.DataFrame
    visits: pd.DataFrame
    pictures: np.ndarray | None = None

    def __len__(self) -> int:
        """Number of patients."""
        return len(self.keys)

    @staticmethod
    def stacked(parts: Sequence[Records]) -> Records:
        """Records under each other, with the keys 1, 2, ...; at least one part."""
        parts = [each for each in parts if len(each)] or parts[:1]
        starts = np.cumsum([0, *map(len, parts)])
        keys = np.arange(1, starts[-1] + 1).astype(str).astype(object)
        static = pd.concat([each.static for each in parts], ignore_index=True)
        visits = [
            each.visits.assign(patient=each.visits["patient"] + start)
            for each, start in zip(parts, starts[:-1], strict=True)
        ]
        seen = [each.pictures for each in parts if each.pictures is not None]
        pictures = np.concatenate(seen) if seen else None
        return Records(keys, static, pd.concat(visits, ignore_index=True), pictures)

    def at_visits(self, name: str) -> pd.Series:
        """(visits,) a column's value at each visit, whether it is of the visit or the patient."""
        if name in self.visits:
            return self.visits[name].reset_index(drop=True)
        who = self.visits["patient"].to_numpy(dtype=np.int64)
        return self.static[name].iloc[who].reset_index(drop=True)

    def take(self, patients: np.ndarray) -> Records:
        """The records of those patients (positions), in that order, each with all visits."""
        place = np.full(len(self.keys), -1)
        place[patients] = np.arange(len(patients))
        visits, pictures = self.visits, self.pictures
        if len(visits):
            where = place[visits["patient"].to_numpy(dtype=np.int64)]
            rows = np.argsort(where, kind="stable")
            rows = rows[where[rows] >= 0]
            visits = visits.assign(patient=where).iloc[rows].reset_index(drop=True)
            pictures = None if pictures is None else pictures[rows]
        static = self.static.iloc[patients].reset_index(drop=True)
        return Records(self.keys[patients], static, visits, pictures)
