"""Are real patients in the copy as they are?"""

from __future__ import annotations

import numpy as np

from dpsynth.data.codec import Tokens
from dpsynth.evaluation.estimate import Estimate, wilson


def flat(tokens: Tokens) -> np.ndarray:
    """(patients, positions) all codes of a patient in one row."""
    rows = [
        tokens.static,
        tokens.visits.reshape(len(tokens), int(np.prod(tokens.visits.shape[1:]))),
    ]
    return np.ascontiguousarray(np.concatenate([*rows, tokens.length[:, None]], axis=1))


def copy_rate(synthetic: Tokens, real: Tokens) -> Estimate:
    """Share of synthetic patients who equal some real patient in every code.

    Scenario:
        Someone who knows a patient's whole record finds it in the copy. With few columns
        that happens by coincidence, so hold the rate against as many real patients as were
        trained on: compare the training patients with the same number of holdout patients.

    Args:
        synthetic: synthetic patients.
        real: real patients, training or holdout.

    Returns:
        0: nobody; 1: every synthetic patient is a real one. The interval is Wilson's, over
        synthetic patients.

    Errors:
        No synthetic patients: not assessable.
    """
    known = {row.tobytes() for row in flat(real)}
    hits = sum(row.tobytes() in known for row in flat(synthetic))
    return wilson(hits, len(synthetic), "no synthetic patients" if not len(synthetic) else "")
