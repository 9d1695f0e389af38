"""Does the copy tell more about those it was made from than about others like them?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.evaluation.estimate import (
    REPLICATES,
    Estimate,
    bootstrap_estimate,
    not_assessable,
    patient_weights,
)
from dpsynth.evaluation.leakage.copies import flat
from dpsynth.evaluation.leakage.nearest import differing
from dpsynth.schema import Schema


def secrets(schema: Schema, codec: Codec) -> dict[str, int]:
    """Places of the per-patient columns that an attacker wants: sensitive ones and the label."""
    label = schema.label.column if schema.label is not None else None
    return {
        field.name: place
        for place, field in enumerate(codec.static)
        if field.column.sensitive or field.name == label
    }


def guessed(targets: Tokens, synthetic: Tokens, places: Sequence[int], codec: Codec) -> np.ndarray:
    """Chance that each secret of each target is guessed, (targets, secrets); NaN if unknown.

    The attacker knows all of a target but the one secret, finds the synthetic patients who are
    most like that, and guesses what one of them has, drawn at random.

    Args:
        targets: attacked patients.
        synthetic: the copy; without any, nothing is known.
        places: of the secrets among the static columns.
        codec: public code books; numbers are guessed if their bin is. A secret that the target
            lacks is unknown.
    """
    known, made = flat(targets), flat(synthetic)
    right = np.full((len(known), len(places)), np.nan)
    for start, block, apart in differing(known, made) if len(made) else ():
        for column, place in enumerate(places):
            unlike = block[:, place, None] != made[None, :, place]
            rest = apart - unlike
            nearest = rest == rest.min(axis=1, keepdims=True)
            share = (nearest & ~unlike).sum(axis=1) / nearest.sum(axis=1)
            right[start : start + len(block), column] = share
    for column, place in enumerate(places):
        field = codec.static[place]
        if field.column.missing:
            right[known[:, place] == field.size - 1, column] = np.nan
    return right


def attribute_inference(
    members: np.ndarray, outsiders: np.ndarray, *, replicates: int = REPLICATES, seed: int = 0
) -> Estimate:
    """How much more often a secret is guessed of trained-on patients than of others.

    Scenario:
        Someone knows all of a patient but one sensitive column and reads it off the most
        similar synthetic patient. That works on anyone if the column follows from the others,
        which is what data are good for; what the copy gives away is the rest.

    Args:
        members: (patients,) chance that the secret of a trained-on patient is guessed, in 0..1;
            NaN where it is unknown.
        outsiders: (patients,) of patients who were not, the control.
        replicates: of the bootstrap over both.
        seed: of the bootstrap.

    Returns:
        (p - c) / (1 - c) with the mean chances p of members and c of outsiders. 0: no more often;
        1: always, where of others it is not; below 0 by chance.

    Errors:
        Nobody whose secret is known, no copy, or a secret that is always guessed of outsiders:
        not assessable.

    Reference: Giomi, Boenisch, Wehmeyer, Tasnádi, A unified framework for quantifying privacy
    risk in synthetic data, PoPETs 2023 (the excess over a control set).
    """
    sides = [side[~np.isnan(side)] for side in (members, outsiders)]
    n = sum(map(len, sides))
    if not min(map(len, sides)):
        return not_assessable("nobody's secret is known, or there is no copy", n)
    rng = np.random.default_rng(seed)
    p, control = (patient_weights(len(side), replicates, rng) @ side / len(side) for side in sides)
    if control[0] >= 1 - 1e-9:
        return not_assessable("it is always guessed, of anyone", n)
    room = 1 - control
    values = np.full(len(room), np.nan)
    np.divide(p - control, room, out=values, where=room > 1e-9)
    return bootstrap_estimate(values, n, (-np.inf, 1.0))
