"""A figure with the numbers behind it, and figures of one kind."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

SHOWN = 9  # histograms, and attributes of a forest plot, before the rest is folded


@dataclass(frozen=True)
class Table:
    """The numbers behind a figure, as text."""

    header: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Drawing:
    """One figure.

    Attributes:
        name: of a file, unique in a report.
        title: for the reader.
        svg: the drawing.
        table: the numbers behind it; none where they are written in the drawing.
        more: a second drawing beside it.
    """

    name: str
    title: str
    svg: Markup
    table: Table | None = None
    more: Markup | None = None


@dataclass(frozen=True)
class Section:
    """Figures of one kind.

    Attributes:
        anchor, heading: of the page.
        says: how to read them.
        drawings: shown at once.
        folded: shown on demand, and in print.
        wide: whether one stands on each line.
    """

    anchor: str
    heading: str
    says: str
    drawings: tuple[Drawing, ...]
    folded: tuple[Drawing, ...] = ()
    wide: bool = False


def slug(text: str) -> str:
    """A name for a file: letters and digits, the rest as hyphens."""
    kept = "".join(each if each.isascii() and each.isalnum() else "-" for each in text.lower())
    return "-".join(filter(None, kept.split("-")))[:60] or "figure"
