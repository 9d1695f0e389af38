"""How far apart the groups of an attribute are, and what a copy adds to that.

A gap is the best minus the worst group. What a copy passes on is told apart from what it adds
by subtracting: the gap of a model trained on real patients was there before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from dpsynth.evaluation.bias.discrimination import (
    NEVER,
    Again,
    over_trainings,
    replicate_auc,
    sample_weights,
)
from dpsynth.evaluation.bias.rates import recognition, replicate_rate, selection, too_few
from dpsynth.evaluation.bias.support import unsupported
from dpsynth.evaluation.estimate import (
    REPLICATES,
    Estimate,
    bootstrap_estimate,
    not_assessable,
)
from dpsynth.evaluation.utility.predictions import Predicted


@dataclass(frozen=True)
class Kind:
    """What of a group is compared.

    Attributes:
        replicated: (predicted, patients inside, weights) -> (replicates,).
        too_few: why a group is not assessable, empty if it is.
    """

    replicated: Callable[[Predicted, np.ndarray, np.ndarray], np.ndarray]
    too_few: Callable[[Predicted, np.ndarray], str]


KINDS: dict[str, Kind] = {
    "auc": Kind(replicate_auc, unsupported),
    "tpr": Kind(partial(replicate_rate, recognition), partial(too_few, recognition)),
    "selection": Kind(partial(replicate_rate, selection), partial(too_few, selection)),
}


def assessable(kind: str, predicted: Predicted, insides: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The groups that have enough patients and events."""
    return [inside for inside in insides if not KINDS[kind].too_few(predicted, inside)]


def replicate_gap(
    kind: str, predicted: Predicted, insides: Sequence[np.ndarray], weights: np.ndarray
) -> np.ndarray:
    """(replicates,) best minus worst of those groups, NaN where a group has no value."""
    values = np.array([KINDS[kind].replicated(predicted, inside, weights) for inside in insides])
    return np.ptp(values, axis=0)


def gap(
    predicted: Predicted,
    insides: Sequence[np.ndarray],
    *,
    kind: str,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Estimate:
    """Best minus worst over the assessable groups of one attribute.

    Args:
        predicted: predictions of a model trained elsewhere.
        insides: for each group, (holdout patients,) whether each belongs to it.
        kind: "auc" (ranking), "tpr" (equal opportunity: cases called positive) or "selection"
            (demographic parity: anyone called positive).
        replicates: bootstrap replicates over holdout patients.
        seed: of the bootstrap.

    Returns:
        0: all groups alike; 1: one group always, another never. Chance alone keeps it above
        0: see `worst_gap`. n is the number of patients in assessable groups.

    Errors:
        Fewer than two assessable groups: not assessable.
    """
    held = assessable(kind, predicted, insides)
    members = int(sum(each.sum() for each in held))
    if len(held) < 2:
        return not_assessable("fewer than two groups with enough events", members)
    values = replicate_gap(kind, predicted, held, sample_weights(predicted, replicates, seed))
    return bootstrap_estimate(values, members, (0.0, 1.0), predicted.note)


def gap_added(
    after: Predicted,
    before: Predicted,
    insides: Sequence[np.ndarray],
    *,
    kind: str,
    again: Again = NEVER,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Estimate:
    """What training on other data adds to the gap between groups.

    Scenario:
        Two models judge the same holdout patients: one trained on real patients and one on
        their copy, or one on a copy made without noise and one on the copy made with it. The
        gap of the first was there; only the difference is the second's doing. Added up over
        real, un-noised and released copy, the parts are the whole.

    Args:
        after, before: predictions of the two models for the same samples.
        insides: for each group, (holdout patients,) whether each belongs to it.
        kind: as in `gap`.
        again: predictions of `after` and of `before`, trained again on resampled patients
            (`discrimination.over_trainings`); without any, the interval leaves out the chance of
            training: of copies that add nothing, 13 % then seem to add a gap of selection, and 1 %
            with ten of each side (200 resamples of a made-up clinic).
        replicates: bootstrap replicates over holdout patients, the same resample for both
            models: what makes patients hard for both cancels out of the interval.
        seed: of the bootstrap.

    Returns:
        gap(after) - gap(before); 0: nothing added; above 0: groups moved further apart; below
        0: closer. n as in `gap`.

    Errors:
        Fewer than two assessable groups: not assessable.

    Reference: Cheng et al., Can you fake it until you make it? Impacts of differentially
    private synthetic data on downstream classification fairness, FAccT 2021.
    """
    held = assessable(kind, before, insides)
    members = int(sum(each.sum() for each in held))
    if len(held) < 2:
        return not_assessable("fewer than two groups with enough events", members)
    weights = sample_weights(before, replicates, seed)

    def gaps(predicted: Predicted, drawn: np.ndarray) -> np.ndarray:
        return replicate_gap(kind, predicted, held, drawn)

    values = over_trainings(gaps, after, again[0], weights)
    values = values - over_trainings(gaps, before, again[1], weights, max(len(again[0]), 1))
    return bootstrap_estimate(values, members, (-1.0, 1.0), after.note or before.note)
