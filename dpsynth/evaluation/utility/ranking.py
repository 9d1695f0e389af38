"""Do models rank on the copy as on real data, and what does a wrong pick cost?"""

from __future__ import annotations

import numpy as np
from scipy.stats import kendalltau

from dpsynth.evaluation.estimate import Estimate, bootstrap_estimate, not_assessable
from dpsynth.evaluation.utility.contest import ONE_CLASS

FEWEST = "fewer than two models"


def ranking_agreement(
    real: np.ndarray, other: np.ndarray | None, patients: int, *, seed: int = 0
) -> Estimate:
    """Kendall's tau between the order of models trained on real patients and on the copy.

    Scenario:
        Researchers compare their models on the copy. Would the same models come out in the
        same order had they been trained on real patients? Both are judged on real patients.

    Tau is taken between models of each resample of real patients and of each resample of the
    copy, and averaged: resamples of one model are never compared with each other, since their
    order is chance alone.

    Args:
        real: (replicates + 1, models, seeds) AUCs of models trained on real patients.
        other: the same of models trained on the copy; none: real resamples among themselves,
            which is what real data reach. They share patients, so this is a little too high.
        patients: holdout patients behind the AUCs.
        seed: of the bootstrap over seeds, which joins that over holdout patients.

    Returns:
        1: the same order; 0: as a shuffled order would have; -1: turned round.

    Errors:
        Fewer than two models, one seed among itself, one class in the holdout, or models that
        never differ: not assessable.
    """
    models, seeds = real.shape[1:]
    if models < 2 or (other is None and seeds < 2):
        return not_assessable(FEWEST if models < 2 else "fewer than two seeds", patients)
    if not np.isfinite(real[0]).all() or (other is not None and not np.isfinite(other[0]).all()):
        return not_assessable(ONE_CLASS, patients)
    rng, second = np.random.default_rng(seed), real if other is None else other
    values = np.empty(len(real))
    for replicate, (first, then) in enumerate(zip(real, second, strict=True)):
        taus = np.array([[_tau(a, b) for b in then.T] for a in first.T])
        if other is None:  # no resample is compared with itself
            apart = taus[~np.eye(seeds, dtype=bool)]
            drawn = apart[rng.integers(0, len(apart), len(apart))]
            values[replicate] = (drawn if replicate else apart).mean()
        else:
            rows, columns = (rng.integers(0, size, size) for size in taus.shape)
            values[replicate] = (taus[rows][:, columns] if replicate else taus).mean()
    return bootstrap_estimate(values, patients, (-1.0, 1.0), note=_alike(values))


def regret(real: np.ndarray, seen: np.ndarray | None, patients: int, *, seed: int = 0) -> Estimate:
    """AUC lost by whoever picks the model that looks best on the data at hand.

    Scenario:
        A researcher who has the copy only trains every model on it and picks the one that
        does best on those of the copy's patients that were not trained on: real patients
        can't be asked. The hospital then trains the pick on real patients. How much better
        would the best of the models have been?

    Args:
        real: (replicates + 1, models, seeds) AUCs on real holdout patients of models trained
            on real patients.
        seen: (models, seeds) AUCs that the researcher sees; none: the pick is drawn at random.
        patients: holdout patients behind `real`.
        seed: of the bootstrap over seeds, which joins that over holdout patients.

    Returns:
        0: the best was picked. Never below 0; since the best is named by the same holdout, a
        choice between equals costs a little more than 0.

    Errors:
        Fewer than two models, one class in the holdout, or models that can't be judged on the
        data at hand: not assessable.
    """
    models, seeds = real.shape[1:]
    if models < 2:
        return not_assessable(FEWEST, patients)
    if not np.isfinite(real[0]).all():
        return not_assessable(ONE_CLASS, patients)
    if seen is not None and not np.isfinite(seen).all():
        return not_assessable("no two classes among patients that were not trained on", patients)
    rng, values = np.random.default_rng(seed), np.empty(len(real))
    for replicate in range(len(real)):
        drawn = rng.integers(0, seeds, seeds) if replicate else np.arange(seeds)
        truth = real[replicate].mean(axis=1)
        picked = truth.mean() if seen is None else truth[seen[:, drawn].mean(axis=1).argmax()]
        values[replicate] = truth.max() - picked
    return bootstrap_estimate(values, patients, (0.0, 1.0))


def _tau(first: np.ndarray, second: np.ndarray) -> float:
    return float(kendalltau(first, second).statistic)


def _alike(values: np.ndarray) -> str:
    return "" if np.isfinite(values[0]) else "the models never differ"
