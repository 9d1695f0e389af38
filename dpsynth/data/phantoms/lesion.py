"""What a skin lesion looks like, class by class, and how one is drawn."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np

from dpsynth.data.phantoms.draws import Draws, Real
from dpsynth.data.phantoms.sheet import Sheet, column

Colour = tuple[float, float, float]
HARMONICS = (2, 3, 4, 5, 7)  # of the contour; the first would only move the lesion


@dataclass(frozen=True, kw_only=True)
class Look:
    """The appearance of a class, on average.

    Attributes:
        colour: red, green, blue in [0, 1].
        radius: in half sides of the image.
        irregular: size of the contour's waves, a share of the radius.
        soft: width of the blurred border, in half sides.
        uneven: how much darker one half is than the other, a share of the light.
        blotch: strength of dark patches, in [0, 1].
        veil: strength of a blue-grey veil, in [0, 1].
        network: strength of the pigment network, in [0, 1].
        pearls: strength of bright round cysts, in [0, 1].
    """

    colour: Colour
    radius: float
    irregular: float
    soft: float
    uneven: float
    blotch: float
    veil: float
    network: float
    pearls: float

    def numbers(self) -> np.ndarray:
        """All of them in a row: three of colour, then the others in order."""
        colour, *others = astuple(self)
        return np.array([*colour, *others], dtype=np.float32)


NEVUS = Look(
    colour=(0.50, 0.32, 0.24), radius=0.44, irregular=0.04, soft=0.07, uneven=0.05,
    blotch=0.15, veil=0.0, network=0.5, pearls=0.0,
)  # fmt: skip
MELANOMA = Look(
    colour=(0.34, 0.22, 0.20), radius=0.62, irregular=0.15, soft=0.04, uneven=0.3,
    blotch=0.75, veil=0.45, network=0.6, pearls=0.0,
)  # fmt: skip
KERATOSIS = Look(
    colour=(0.60, 0.46, 0.34), radius=0.54, irregular=0.08, soft=0.02, uneven=0.1,
    blotch=0.3, veil=0.0, network=0.05, pearls=0.7,
)  # fmt: skip
VASCULAR = Look(
    colour=(0.62, 0.16, 0.22), radius=0.38, irregular=0.07, soft=0.05, uneven=0.05,
    blotch=0.4, veil=0.15, network=0.0, pearls=0.1,
)  # fmt: skip
VEIL = np.array([0.36, 0.40, 0.48], dtype=np.float32)
PEARL = np.array([0.90, 0.80, 0.66], dtype=np.float32)
LOOKS = {"nevus": NEVUS, "melanoma": MELANOMA, "keratosis": KERATOSIS, "vascular": VASCULAR}
SPREAD = np.array(
    [0.025, 0.02, 0.025, 0.09, 0.025, 0.02, 0.1, 0.2, 0.12, 0.2, 0.2], dtype=np.float32
)  # stddev of each number among the lesions of one class
SHADE = 0.07  # and of what all three colours share
LEAST = np.array([0.1, 0.06, 0.06, 0.2, 0.01, 0.01, 0, 0, 0, 0, 0], dtype=np.float32)
MOST = np.array([0.9, 0.8, 0.7, 0.8, 0.2, 0.15, 0.6, 1, 1, 1, 1], dtype=np.float32)


def looks(classes: np.ndarray, strength: np.ndarray, own: Draws) -> np.ndarray:
    """Each lesion's own look, (images, numbers of a `Look`).

    Args:
        classes: (images,) keys of `LOOKS`.
        strength: (images,) in [0, 1]: 1 is the look of the class, 0 that of a nevus.
        own: draws of the patients.
    """
    plain = NEVUS.numbers()
    typical = np.stack([LOOKS[name].numbers() for name in classes])
    spread = [own.normal(f"look {place}")[:, 0, 0] for place in range(len(plain))]
    mean = plain + strength[:, None].astype(np.float32) * (typical - plain)
    mean[:, :3] += SHADE * own.normal("shade")[:, :, 0]
    return np.clip(mean + SPREAD * np.stack(spread, axis=1), LEAST, MOST)


def paint(skin: np.ndarray, look: np.ndarray, own: Draws, sheet: Sheet) -> np.ndarray:
    """Paint the lesions on skin.

    Args:
        skin: (images, size, size, 3) light in [0, 1].
        look: (images, numbers) as `looks` gives them.
        own: draws of the patients.
        sheet: where the pixels lie; the lesion's middle is 0, 0.

    Returns:
        (images, size, size, 3).
    """
    radius, irregular, soft, uneven, blotch, veil, network, pearls = map(column, look.T[3:])
    depth = _contour(own, sheet, radius, irregular) - np.hypot(sheet.x, sheet.y)
    cover = sheet.within(depth, soft)
    inner = np.clip(depth / radius, 0, 1)
    side = own.uniform("dark side", 0, 2 * np.pi)
    slope = (np.cos(side) * sheet.x + np.sin(side) * sheet.y) / radius
    patches = np.clip(sheet.waves(own, "blotch", 8) * 1.5, 0, 1)
    light = 1 - 0.25 * inner - uneven * np.clip(slope, -1, 1) - 0.55 * blotch * patches
    light = light - 0.25 * network * _mesh(own, sheet) * (1 - 0.6 * inner)
    colour = look[:, None, None, :3] * np.clip(light, 0.15, 1.4)[..., None]
    bluish = veil * np.clip(sheet.waves(own, "veil", 5) + 0.2, 0, 1) * inner
    colour = _blend(colour, VEIL, bluish)
    colour = _blend(colour, PEARL, pearls * _dots(own, sheet))
    return _blend(skin, colour, 0.92 * cover)


def _contour(own: Draws, sheet: Sheet, radius: Real, irregular: Real) -> np.ndarray:
    """Distance of the border from the middle in each pixel's direction: a Fourier series."""
    angle = np.arctan2(sheet.y, sheet.x)
    waves = 1 + own.uniform("oval", 0, 0.15) * np.cos(2 * angle + own.uniform("axis", 0, 6.28))
    for turns in HARMONICS:
        size = irregular * own.normal(f"wave {turns}") * np.float32(2.2 / turns)
        waves = waves + size * np.cos(turns * angle + own.uniform(f"phase {turns}", 0, 6.28))
    return radius * np.maximum(waves, 0.3)


def _mesh(own: Draws, sheet: Sheet) -> np.ndarray:
    """The pigment network: dark cords around light holes, coarser than the pixels."""
    pitch = np.maximum(own.uniform("pitch", 0.14, 0.2), 3.2 * sheet.pixel)
    turn = own.uniform("mesh turn", 0, np.pi)
    cords = np.zeros_like(sheet.x)
    for third in range(3):
        angle = turn + third * np.float32(np.pi / 3)
        along = np.cos(angle) * sheet.x + np.sin(angle) * sheet.y
        cords += np.cos(2 * np.pi / pitch * along + 0.5 * sheet.waves(own, f"bend {third}", 6, 2))
    return np.clip(0.5 - cords / 3, 0, 1)


def _dots(own: Draws, sheet: Sheet, count: int = 8) -> np.ndarray:
    """Bright cysts within the lesion."""
    total = np.zeros_like(sheet.x)
    for place in range(count):
        wide = own.uniform(f"dot wide {place}", 0.05, 0.09)
        x, y = (own.uniform(f"dot {axis} {place}", -0.4, 0.4) for axis in "xy")
        total += sheet.haze(x, y, wide, wide)
    return np.clip(total, 0, 1)


def _blend(under: np.ndarray, colour: np.ndarray, cover: np.ndarray) -> np.ndarray:
    return under + cover[..., None] * (colour - under)
