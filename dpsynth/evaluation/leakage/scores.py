"""Anyone's own attack: scores of patients instead of distances."""

from __future__ import annotations

import numpy as np

from dpsynth.evaluation.leakage.membership import Attack


def scored(members: np.ndarray, outsiders: np.ndarray) -> Attack:
    """The attack of scores that come from elsewhere, to be judged as all others.

    Scenario:
        The attacker holds the model and reads off what it says of a patient: minus the loss on
        the patient's record, the output of a critic, or a likelihood.

    Args:
        members: (patients,) scores of patients who were trained on; higher means "was".
        outsiders: (patients,) of patients of the same population who were not.

    Errors:
        A score that is no number: all scores count as equal, with a note.
    """
    score = np.concatenate([np.ravel(members), np.ravel(outsiders)]).astype(np.float64)
    member = np.repeat([True, False], [np.size(members), np.size(outsiders)])
    if np.isnan(score).any():
        return Attack(member, np.zeros(len(member)), "a score is missing")
    return Attack(member, score)


def blind(made: Attack, seed: int = 0) -> Attack:
    """The same scores with members drawn at random: what chance gives."""
    return Attack(np.random.default_rng(seed).permutation(made.member), made.score, made.note)


def sighted(made: Attack) -> Attack:
    """The best there is: whoever was trained on has the higher score."""
    return Attack(made.member, made.member.astype(np.float64))
