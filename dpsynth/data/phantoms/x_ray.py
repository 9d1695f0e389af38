"""Grey chest X-rays of children and adults, some with pneumonia."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dpsynth.data.phantoms import thorax as parts
from dpsynth.data.phantoms.people import roll
from dpsynth.data.phantoms.phantom_set import PhantomSet
from dpsynth.data.phantoms.pneumonia import disease_of
from dpsynth.data.phantoms.sheet import Sheet, Subject, check_size, drawn, to_bytes
from dpsynth.data.phantoms.truth import Risk, Truth

SCOPE = "chest"
# Expected among patients: 31.1 % ill; 14 % of girls of 5 years, 55 % of men of 90.
CHEST = Truth(
    label="pneumonia",
    classes=("false", "true"),
    risks=(Risk(at_50=-0.9, per_decade=0.2, male=0.3),),
)


def chest(patients: int, seed: int, size: int = 28, truth: Truth = CHEST) -> PhantomSet:
    """Draw chest X-rays.

    Patient i's images follow from the seed and i alone, so a smaller set is the beginning of
    a larger one. The same machine gives the same bytes; another may round a pixel otherwise.

    Args:
        patients: number of patients, at least 1.
        seed: any whole number.
        size: side in pixels, 16 to 512. The anatomy does not depend on it.
        truth: who is ill and how well it shows; its classes must be "false" and "true".

    Returns:
        Images (images, size, size, 1), the first patient's first. The table's columns of
        truth: "truth_chance" (chance of the label that was drawn), "truth_contrast" (0 to 1),
        "truth_severity" (0 in the healthy, else 0.35 to 1), "truth_side" (none, left, right,
        both; the patient's right is on the image's left), "truth_kind" (none, focal, lobar).
    """
    check_size(size)
    if truth.classes != CHEST.classes:
        raise ValueError(f"classes must be {CHEST.classes} for a chest, got {truth.classes!r}")
    rows = roll(patients, seed, truth, SCOPE)
    disease = disease_of(rows, truth.label, Subject.of(rows, seed, SCOPE).own)
    images = drawn(rows, size, lambda some: _draw(some, seed, size, truth.label))
    table = rows.drop(columns=["_patient", "_shot"]).assign(**disease.truths())
    return PhantomSet(images=images, table=table, truth=truth)


def _draw(rows: pd.DataFrame, seed: int, size: int, label: str) -> np.ndarray:
    subject = Subject.of(rows, seed, SCOPE)
    sheet = _posed(subject, size)
    thorax = parts.Thorax.of(subject, sheet)
    filled = disease_of(rows, label, subject.own).opacity(subject.own, sheet)
    flesh = 0.6 - 0.3 * np.clip(thorax.off - 0.85, 0, 1) - 0.05 * np.clip(-sheet.y - 0.4, 0, 1)
    light = flesh + 0.065 * thorax.heart + 0.16 * thorax.belly
    light -= parts.air_and_vessels(subject, sheet, thorax) * thorax.lungs * (1 - filled)
    light += parts.bones(subject, sheet, thorax) * (1 - 0.7 * thorax.belly)
    light += parts.breasts(subject, sheet) - parts.bubble(subject, sheet)
    return to_bytes(_exposed(subject, light * thorax.body, size)[..., None])


def _posed(subject: Subject, size: int) -> Sheet:
    own, shot, child = subject.own, subject.shot, subject.childhood()
    zoom = np.exp(shot.normal("zoom", 0, 0.04) + own.normal("stature", 0.02, 0.05))
    return Sheet.posed(
        size,
        turn=shot.normal("turn", 0, 0.04) + own.normal("stance", 0, 0.02),
        wide=zoom * (1 + 0.1 * child + 0.03 * subject.male),
        tall=zoom * own.normal("long", 1, 0.04) * (1 - 0.08 * child - 0.05 * subject.seniority()),
        right=shot.normal("right", 0, 0.03) + own.normal("centre", 0, 0.02),
        down=shot.normal("down", 0, 0.04),
    )


def _exposed(subject: Subject, light: np.ndarray, size: int) -> np.ndarray:
    shot = subject.shot
    gamma = np.exp(shot.normal("gamma", 0, 0.12) + subject.own.normal("thick", 0, 0.1))
    light = np.clip(light, 0.01, 1) ** gamma
    light = light * shot.normal("gain", 1.05, 0.06) + shot.normal("fog", 0.02, 0.03)
    grain = shot.grain("grain", size)[..., 0]
    return light + shot.uniform("dose", 0.008, 0.03) * grain
