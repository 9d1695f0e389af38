"""Predictions for made-up patients."""

from __future__ import annotations

import numpy as np

from dpsynth.evaluation.utility.predictions import Predicted


def predicted(score: np.ndarray, y: np.ndarray, patient: np.ndarray | None = None) -> Predicted:
    """One sample for each patient unless said otherwise; scores above 0.5 are positive."""
    patient = np.arange(len(y)) if patient is None else patient
    return Predicted(
        y=y,
        score=np.asarray(score, dtype=float),
        patient=patient,
        patients=int(patient.max()) + 1 if len(patient) else 0,
        threshold=0.5,
    )
