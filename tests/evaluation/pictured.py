"""Small sets of pictures, worked out by hand."""

from __future__ import annotations

import numpy as np

from dpsynth.evaluation.shown import Shown


def flat(shades, patients=None, code=None, classes=("",), size=4, total=None) -> Shown:
    """Pictures of one shade each; each of one patient unless `patients` says whose they are."""
    shades = np.asarray(shades, dtype=np.uint8)
    patient = np.arange(len(shades)) if patients is None else np.asarray(patients)
    code = np.zeros(len(shades), dtype=np.int64) if code is None else np.asarray(code)
    return Shown(
        pixels=np.broadcast_to(shades[:, None, None, None], (len(shades), size, size, 1)).copy(),
        patient=patient,
        patients=total or int(patient.max(initial=-1)) + 1,
        code=code,
        classes=classes,
        positive=code == 1,
    )


def noisy(pictures: int, seed: int, size: int = 8, patients: int | None = None) -> Shown:
    """Pictures of independent shades, two classes in turn: class 1 is brighter at the left."""
    rng = np.random.default_rng(seed)
    code = np.arange(pictures) % 2
    pixels = rng.integers(0, 200, (pictures, size, size, 1))
    pixels[code == 1, :, : size // 2] += 40
    who = np.arange(pictures) if patients is None else np.arange(pictures) * patients // pictures
    return Shown(
        pixels=pixels.astype(np.uint8),
        patient=who,
        patients=patients or pictures,
        code=code,
        classes=("well", "ill"),
        positive=code == 1,
    )
