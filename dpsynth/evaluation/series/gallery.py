"""Real and synthetic pictures of each class, side by side."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from dpsynth.data.codec import Codec, Tokens
from dpsynth.evaluation.estimate import subsample
from dpsynth.evaluation.figures import CLASSES, Shelf
from dpsynth.evaluation.shown import Shown, shown
from dpsynth.schema import Label

PICTURES = 6  # of each class and side
SIDE = 64  # pixels, at most: larger ones are made smaller
LOOKED_AT = 2_000  # patients among whom pictures are drawn, at most


def gallery(
    real: Tokens | None,
    synthetic: Tokens,
    codec: Codec,
    label: Label | None,
    rng: np.random.Generator,
) -> tuple[Shelf, ...]:
    """Pictures drawn at random, at most one of a patient.

    Real ones are real patients': a page that shows them is internal.

    Args:
        real: real holdout patients; none for the copy alone.
        synthetic: the copy.
        codec, label: public facts.
        rng: draws the pictures.
    """
    sides = [
        shown(each.take(subsample(len(each), LOOKED_AT, rng)), codec, label).one_each(rng)
        for each in (synthetic, real)
        if each is not None
    ]
    return tuple(
        Shelf(
            name=name,
            synthetic=_some(sides[0], code, rng),
            real=_some(sides[1], code, rng) if real is not None else (),
        )
        for code, name in enumerate(sides[0].classes[:CLASSES])
    )


def _some(side: Shown, code: int, rng: np.random.Generator) -> tuple[str, ...]:
    places = np.flatnonzero(side.code == code)
    return tuple(_png(side.pixels[each]) for each in rng.permutation(places)[:PICTURES])


def _png(pixels: np.ndarray) -> str:
    """A PNG file in base64."""
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    picture.thumbnail((SIDE, SIDE))
    file = io.BytesIO()
    picture.save(file, "png", optimize=True)
    return base64.b64encode(file.getvalue()).decode()
