"""Distance to the closest record, as many reports give it. It says nothing about privacy."""

from __future__ import annotations

import numpy as np

from dpsynth.evaluation.estimate import NORMAL_95, Estimate, not_assessable

LEGACY = "a copy of 1 % of the patients hardly moves it"


def dcr_share(to_train: np.ndarray, to_holdout: np.ndarray) -> Estimate:
    """Share of synthetic patients nearer to the training patients than to the held-out ones.

    Scenario:
        None: no attacker asks this. It's here since others ask for it.

    Args:
        to_train: (patients,) distance of a synthetic patient to the nearest training patient.
        to_holdout: (patients,) to the nearest of as many held-out patients.

    Returns:
        0.5: as near to one as to the other (ties count one half); 1: always nearer to training
        patients. The interval is a normal one over synthetic patients, given the real ones.
        The note keeps it out of any verdict.

    Errors:
        No synthetic patients: not assessable.

    Reference: Yao, Krčo, Ganev, de Montjoye, The DCR delusion, 2025 (why it means nothing).
    """
    if not len(to_train):
        return not_assessable("no synthetic patients")
    nearer = (to_train < to_holdout) + (to_train == to_holdout) / 2
    value, half = float(nearer.mean()), NORMAL_95 * float(nearer.std()) / len(nearer) ** 0.5
    return Estimate(value, max(value - half, 0.0), min(value + half, 1.0), len(nearer), LEGACY)
