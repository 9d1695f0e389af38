"""Real and synthetic pictures of a class."""

from __future__ import annotations

from markupsafe import Markup

from dpsynth.evaluation.figures import Shelf
from dpsynth.evaluation.svg.parts import COPY, REAL, drawing, words

SIDE, LEFT = 88, 8


def shelf(made: Shelf) -> Markup:
    """A row of real pictures, if there are any, above one of synthetic ones."""
    sides = (("real holdout patients", made.real, REAL), ("the copy", made.synthetic, COPY))
    rows = [each for each in sides if each[1] or each[0] == "the copy"]
    parts = []
    for row, (name, pictures, colour) in enumerate(rows):
        top = row * (SIDE + 28)
        parts.append(words(LEFT, top + 14, f"{name}{'' if pictures else ': none'}", colour=colour))
        for place, each in enumerate(pictures):
            parts.append(
                Markup(
                    '<image x="{}" y="{}" width="{s}" height="{s}" '
                    'style="image-rendering:pixelated" href="data:image/png;base64,{}"/>'
                ).format(LEFT + place * (SIDE + 4), top + 20, each, s=SIDE)
            )
    most = max([1, *(len(pictures) for _, pictures, _ in rows)])
    told = "; ".join(f"{len(pictures)} pictures of {name}" for name, pictures, _ in rows)
    return drawing(
        LEFT + max(most * (SIDE + 4), 200),
        len(rows) * (SIDE + 28),
        parts,
        f"Pictures of class {made.name}" if made.name else "Pictures",
        told,
    )
