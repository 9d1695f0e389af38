"""How many patients and events a group needs before anything is said about it."""

from __future__ import annotations

import numpy as np

from dpsynth.evaluation.utility.predictions import Predicted

EVENTS = 50  # cases and non-cases that a group needs at least
PATIENTS = 50  # patients that a group needs at least


def few_patients(patients: int) -> str:
    """Why a group of so many patients is not assessable, empty if it is."""
    return f"{patients} patients, fewer than {PATIENTS}" if patients < PATIENTS else ""


def unsupported(predicted: Predicted, inside: np.ndarray) -> str:
    """Why a group is not assessable, empty if it is.

    Args:
        predicted: predictions for holdout patients.
        inside: (holdout patients,) whether each belongs to the group.
    """
    y = predicted.y[inside[predicted.patient]]
    fewer = int(min(y.sum(), (~y).sum()))
    if fewer < EVENTS:
        return f"{fewer} events, fewer than {EVENTS}"
    return few_patients(int(inside.sum()))
