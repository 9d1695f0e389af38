"""The attack that asks where the copy is denser than real patients are."""

from __future__ import annotations

import numpy as np

from dpsynth.evaluation.leakage.membership import Attack
from dpsynth.evaluation.leakage.nearest import Distances


def ratio_attack(known: Distances) -> Attack:
    """The density-ratio attack: who was trained on if the copy is denser there than others are.

    Scenario:
        The attacker also holds real patients of the same population from elsewhere. A twin of
        an ordinary patient is no surprise, as others have such twins too; a twin of a patient
        like whom there is nobody else is. The score is the logarithm of both distances' ratio.

    NOTE(paper): densities are those of the nearest neighbour (a density falls with a power of
    the distance to it), not of kernels or flows. Of planted copies of 1 % of the patients,
    boosting of synthetic against real patients and kernels on five principal components
    recognised hardly anyone surely, the nearest neighbours all of them in records of thirty
    columns; of a copy of everyone with noise they recognise far more too. Half a code is
    added to both, so that no distance is 0.

    Reference: van Breugel, Sun, Qian, van der Schaar, Membership inference attacks against
    synthetic data through overfitting detection (DOMIAS), AISTATS 2023.
    """
    return Attack(known.member, closeness(known.to_copy, known.to_others, known.codes), known.note)


def closeness(to_these: np.ndarray, to_others: np.ndarray, codes: int) -> np.ndarray:
    """(patients,) logarithm of how much nearer these are than others; higher is nearer."""
    half = 0.5 / max(codes, 1)
    return np.log(to_others + half) - np.log(to_these + half)
