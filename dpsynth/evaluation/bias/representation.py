"""Who is in the copy?"""

from __future__ import annotations

import numpy as np

from dpsynth.evaluation.estimate import Estimate, wilson


def group_share(inside: np.ndarray) -> Estimate:
    """Share of patients who belong to a group, with a Wilson interval.

    Args:
        inside: (patients,) whether each belongs to the group.

    Returns:
        0: nobody; 1: everybody. Hold it against the share among real patients.

    Errors:
        No patients: not assessable.
    """
    return wilson(int(inside.sum()), len(inside))
