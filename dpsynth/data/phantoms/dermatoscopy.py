"""Dermatoscopy of skin lesions in colour, four diagnoses, one of them rare."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dpsynth.data.phantoms.draws import Draws
from dpsynth.data.phantoms.lesion import LOOKS, looks, paint
from dpsynth.data.phantoms.people import roll
from dpsynth.data.phantoms.phantom_set import PhantomSet
from dpsynth.data.phantoms.sheet import Sheet, Subject, check_size, drawn, middles, to_bytes
from dpsynth.data.phantoms.truth import Risk, Truth

SCOPE = "skin"
MILD = 0.5  # the least severity: how typical a lesion is of its class
# Expected among patients: 65.4 % nevus, 11.2 % melanoma, 21.3 % keratosis, 2.1 % vascular.
SKIN = Truth(
    label="dx",
    classes=("nevus", "melanoma", "keratosis", "vascular"),
    risks=(
        Risk(at_50=-1.9, per_decade=0.35, male=0.4),
        Risk(at_50=-1.2, per_decade=0.45, male=0.1),
        Risk(at_50=-3.4, per_decade=0.05),
    ),
)
PALE, DARK, BLUSH, AGED = np.array(
    [[0.93, 0.76, 0.68], [0.58, 0.42, 0.32], [0.01, -0.01, -0.01], [0.04, 0.06, 0.14]],
    dtype=np.float32,
)  # two skins, what blood adds, the share of the light that old age takes
HAIRS = 5  # at most
HAIR = 0.014  # half the width of one, in half sides


def skin(patients: int, seed: int, size: int = 32, truth: Truth = SKIN) -> PhantomSet:
    """Draw dermatoscopic images of one lesion per patient.

    Patient i's images follow from the seed and i alone, so a smaller set is the beginning of
    a larger one. The same machine gives the same bytes; another may round a pixel otherwise.

    Args:
        patients: number of patients, at least 1.
        seed: any whole number.
        size: side in pixels, 16 to 512. The lesion does not depend on it.
        truth: who has what and how well it shows; its classes must be among nevus, melanoma,
            keratosis and vascular. The less contrast, the more a lesion looks like a nevus.

    Returns:
        Images (images, size, size, 3) RGB, the first patient's first. The table's columns of
        truth: "truth_chance" (chance of the label that was drawn), "truth_contrast" (0 to 1),
        "truth_severity" (0.5 to 1: how typical the lesion is of its class) and
        "truth_radius" (the lesion's, in half sides of the image before pose).
    """
    check_size(size)
    if foreign := [name for name in truth.classes if name not in LOOKS]:
        raise ValueError(f"classes must be among {list(LOOKS)}, got {foreign}")
    rows = roll(patients, seed, truth, SCOPE)
    own = Subject.of(rows, seed, SCOPE).own
    rows["truth_severity"] = own.uniform("severity", MILD, 1)[:, 0, 0].astype(float)
    rows["truth_radius"] = _looks(rows, truth.label, own)[:, 3].astype(float)
    images = drawn(rows, size, lambda some: _draw(some, seed, size, truth.label))
    return PhantomSet(images=images, table=rows.drop(columns=["_patient", "_shot"]), truth=truth)


def _looks(rows: pd.DataFrame, label: str, own: Draws) -> np.ndarray:
    strength = rows["truth_contrast"].to_numpy() * rows["truth_severity"].to_numpy()
    return looks(rows[label].to_numpy(), strength, own)


def _draw(rows: pd.DataFrame, seed: int, size: int, label: str) -> np.ndarray:
    subject = Subject.of(rows, seed, SCOPE)
    sheet = _posed(subject, size)
    look = _looks(rows, label, subject.own)
    picture = paint(_bare(subject, sheet), look, subject.own, sheet)
    picture = picture * (1 - 0.65 * _hairs(subject, sheet))[..., None]
    return to_bytes(_lit(subject, picture, size))


def _posed(subject: Subject, size: int) -> Sheet:
    shot = subject.shot
    zoom = np.exp(shot.normal("zoom", 0, 0.06))
    return Sheet.posed(
        size,
        turn=subject.own.uniform("stance", 0, 2 * np.pi) + shot.normal("turn", 0, 0.15),
        wide=zoom,
        tall=zoom,
        right=shot.normal("right", 0, 0.06) + subject.own.normal("centre x", 0, 0.04),
        down=shot.normal("down", 0, 0.06) + subject.own.normal("centre y", 0, 0.04),
    )


def _bare(subject: Subject, sheet: Sheet) -> np.ndarray:
    """Skin without a lesion, (images, size, size, 3).

    It is spotted and yellower in the aged, a little redder in men.
    """
    own, aged = subject.own, subject.seniority()
    tone = own.uniform("tone")[..., None] ** 2
    blood = own.normal("blush") + 1.5 * subject.male
    colour = PALE * (1 - tone) + DARK * tone + BLUSH * blood[..., None]
    colour = colour * (1 - AGED * aged[..., None])
    freckles = np.clip(sheet.waves(own, "freckles", 14, 6) - 0.5, 0, 1)
    lines = sheet.waves(own, "lines", 30, 3)
    texture = 1 - 0.25 * (0.1 + 0.9 * aged) * freckles + 0.015 * lines
    return colour * texture[..., None]


def _hairs(subject: Subject, sheet: Sheet) -> np.ndarray:
    """Share of a pixel under a hair; men have more, children fewer."""
    own = subject.own
    hairy = (0.12 + 0.28 * subject.male) * (1 - subject.childhood())
    cover = np.zeros_like(sheet.x)
    wide = max(HAIR, 0.4 * sheet.pixel)
    for place in range(HAIRS):
        angle = own.uniform(f"hair turn {place}", 0, np.pi)
        along = np.cos(angle) * sheet.x + np.sin(angle) * sheet.y
        across = np.cos(angle) * sheet.y - np.sin(angle) * sheet.x
        bow = own.normal(f"hair bow {place}", 0, 0.2) * along**2
        offset = across - bow - own.uniform(f"hair at {place}", -0.9, 0.9)
        hair = (HAIR / wide) ** 0.5 * np.exp(-((offset / wide) ** 2))
        there = own.uniform(f"hair {place}") < hairy
        cover = np.maximum(cover, hair * there)
    return cover


def _lit(subject: Subject, picture: np.ndarray, size: int) -> np.ndarray:
    """Lamp, white balance and sensor of one photograph."""
    shot = subject.shot
    line = middles(size)
    edge = line[None, None, :] ** 2 + line[None, :, None] ** 2
    lean = shot.normal("lamp x", 0, 0.04) * line[None, None, :]
    lean = lean + shot.normal("lamp y", 0, 0.04) * line[None, :, None]
    lamp = shot.normal("gain", 1, 0.05) + lean - shot.uniform("vignette", 0.02, 0.2) * edge
    warm = shot.normal("warm", 0, 0.02)[..., None] * np.array([1, 0, -1], dtype=np.float32)
    photograph = picture * lamp[..., None] * (1 + warm)
    return photograph + shot.uniform("dose", 0.005, 0.02)[..., None] * shot.grain("grain", size, 3)
