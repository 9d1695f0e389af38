"""Who is in a set of phantoms: one row per image, before anything is drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dpsynth.data.phantoms.draws import Draws
from dpsynth.data.phantoms.truth import Truth


def roll(patients: int, seed: int, truth: Truth, scope: str) -> pd.DataFrame:
    """Draw patients and how many images each has.

    Args:
        patients: number of patients, at least 1.
        seed: any whole number.
        truth: the law of sex, age, label and images.
        scope: the kind of phantom, e.g. "chest".

    Returns:
        One row per image: "patient", "image", the label, "sex", "age"; and the patient's
        "truth_chance" (chance of the class that was drawn), "truth_contrast" and the counters
        "_patient" and "_shot". Patient i follows from seed, scope and i alone.
    """
    if patients < 1:
        raise ValueError(f"patients must be at least 1, got {patients!r}")
    index = np.arange(patients)
    own = Draws(seed, scope, index)
    sex = np.where(own.flat("sex") < truth.female, "f", "m")
    low, high = truth.ages
    age = low + np.floor(own.flat("age") * (high - low + 1)).astype(int)
    chances = truth.probabilities(sex, age)
    drawn = _pick(own.flat("label"), chances)
    shots = 1 + _pick(own.flat("images"), np.tile(truth.images, (patients, 1)))
    people = pd.DataFrame(
        {
            "patient": [f"p{each:06d}" for each in index],
            truth.label: np.array(truth.classes, dtype=object)[drawn],
            "sex": sex.astype(object),
            "age": age,
            "truth_chance": chances[index, drawn],
            "truth_contrast": truth.visibility(sex, age),
            "_patient": index,
        }
    )
    rows = people.loc[np.repeat(index, shots)].reset_index(drop=True)
    shot = rows.groupby("_patient").cumcount()
    names = [f"{key}_{place + 1}.png" for key, place in zip(rows["patient"], shot, strict=True)]
    rows.insert(1, "image", names)
    return rows.assign(_shot=shot)


def _pick(uniform: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """(rows,) the place in each row's shares where the uniform number falls."""
    return (uniform[:, None] > np.cumsum(shares, axis=1)[:, :-1]).sum(axis=1)
