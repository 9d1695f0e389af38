"""Does the copy tie the label to an attribute more tightly than reality does?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dpsynth.evaluation.bias.support import EVENTS
from dpsynth.evaluation.estimate import (
    REPLICATES,
    Estimate,
    bootstrap_estimate,
    not_assessable,
    patient_weights,
)


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """The labels of one data set, and the groups of their patients.

    Attributes:
        y: (samples,) label, bool.
        patient: (samples,) patient of the sample.
        insides: (groups, patients) whether each belongs to the group, of one attribute.
    """

    y: np.ndarray
    patient: np.ndarray
    insides: np.ndarray


def bias_amplification(
    real: Labelled, other: Labelled, *, replicates: int = REPLICATES, seed: int = 0
) -> Estimate:
    """Directional bias amplification from attribute to label, BiasAmp_{A->T}.

    Scenario:
        If the label is more frequent in a group than elsewhere among real patients, is it
        more frequent still in the copy? The mean over groups a of
        y_a d_a + (1 - y_a) (-d_a), where d_a = P'(label | a) - P(label | a) is how much more
        frequent the label is in the copy's group, and y_a is 1 where P(label, a) >
        P(label) P(a) among real patients. Both labels of a binary task give the same, so one
        is counted.

    Args:
        real: real patients.
        other: the copy, or other real patients for the reference.
        replicates: bootstrap replicates over patients of both sets.
        seed: of the bootstrap.

    Returns:
        0: tied as in reality; above 0: more tightly (amplified); below 0: less (washed out).
        An overall change of the label's share moves it only where groups lean unevenly. Other
        real patients lie a little below 0, since a chance tie is not found again: hold the
        value against them. n is the number of patients in `other`.

    Errors:
        Fewer than two groups with `support.EVENTS` samples in both sets: not assessable.

    Reference: Wang, Russakovsky, Directional bias amplification, ICML 2021.
    """
    sets, patients = (real, other), other.insides.shape[1]
    enough = [each.insides[:, each.patient].sum(axis=1) >= EVENTS for each in sets]
    kept = enough[0] & enough[1]
    if kept.sum() < 2:
        return not_assessable(f"fewer than two groups with {EVENTS} samples", patients)
    rng = np.random.default_rng(seed)
    (before, overall), (after, _) = (_shares(each, kept, replicates, rng) for each in sets)
    more = np.where(before > overall, 1.0, -1.0)
    values = (more * (after - before)).mean(axis=0)
    return bootstrap_estimate(values, patients, (-1.0, 1.0))


def _shares(
    labelled: Labelled, kept: np.ndarray, replicates: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Share of the label in each group, (groups, replicates), and in all, (replicates,)."""
    patients = labelled.insides.shape[1]
    weights = patient_weights(patients, replicates, rng)
    cases = np.bincount(labelled.patient, weights=labelled.y, minlength=patients)
    samples = np.bincount(labelled.patient, minlength=patients)
    insides = labelled.insides[kept].astype(np.float32)
    found = [(insides * each) @ weights.T for each in (cases, samples)]
    with np.errstate(invalid="ignore", divide="ignore"):
        return found[0] / found[1], weights @ cases / (weights @ samples)
