"""Are real patients in the copy with hardly anything changed?"""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import beta

from dpsynth.evaluation.estimate import Estimate, not_assessable, wilson

RATE = 0.001  # of fresh real patients, who seem to be near copies too


def near_copy_rate(made: np.ndarray, fresh: np.ndarray) -> Estimate:
    """Share of synthetic patients who are nearer to a trained-on patient than chance explains.

    Scenario:
        Someone who knows a patient finds the record in the copy with one code changed. What is
        near depends on the patient: many are like an ordinary one. So closeness is the distance
        to the nearest trained-on patient against that to the nearest held-out one, and a near
        copy is closer than all but `RATE` of fresh real patients (than all of them, if there
        are fewer than 1 / `RATE`). A copy that shows only ordinary patients has no more of them.

    Args:
        made: (patients,) closeness of synthetic patients, as `density_ratio.closeness` gives it
            for training against held-out patients; higher is nearer to the training patients.
        fresh: (patients,) of held-out patients, each without himself among the held-out.

    Returns:
        What `fresh_rate` says: no near copies; 1: everybody. The interval is Wilson's over
        synthetic patients; the chance of the fresh ones is in that of `fresh_rate`.

    Errors:
        No synthetic or no fresh patients: not assessable.
    """
    if not len(made) or not len(fresh):
        return not_assessable("no synthetic patients" if len(fresh) else "no fresh patients")
    limit = np.sort(fresh)[-_rank(len(fresh))]
    return wilson(int((made > limit).sum()), len(made))


def fresh_rate(fresh: int) -> Estimate:
    """The share of near copies that real patients reach who have nothing to do with training.

    The share above the k-th closest of n fresh patients is Beta(k, n - k + 1), whatever the
    closeness is like, and at most that where several are equally close.

    Args:
        fresh: number of fresh patients.

    Returns:
        k / (n + 1) and the 2.5 % and 97.5 % quantiles.
    """
    if not fresh:
        return not_assessable("no fresh patients")
    rank = _rank(fresh)
    low, high = beta.ppf([0.025, 0.975], rank, fresh - rank + 1)
    return Estimate(rank / (fresh + 1), float(low), float(high), fresh)


def _rank(fresh: int) -> int:
    return max(math.floor(RATE * (fresh + 1)), 1)
