"""Pages that load nothing from anywhere, and figures as files of their own."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from dpsynth.evaluation import svg
from dpsynth.evaluation.drawings import Drawing, Section
from dpsynth.evaluation.labels import bound, rounded, text

# What is folded on the screen must not be missing on paper.
OPENING = (
    'addEventListener("beforeprint",()=>'
    'document.querySelectorAll("details.fold").forEach(each=>each.open=true))'
)
FIGURES = "figures"  # folder


def filled(template: str, **facts: Any) -> str:
    """A page. Its policy forbids the browser to load or to run anything but what is in it."""
    environment = Environment(
        loader=PackageLoader("dpsynth.evaluation", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(bound=bound, rounded=rounded, percent=svg.percent, text=text)
    digest = base64.b64encode(hashlib.sha256(OPENING.encode()).digest()).decode()
    return environment.get_template(template).render(
        svg=svg, opening=Markup(OPENING), digest=digest, **facts
    )


def write_figures(sections: Iterable[Section], folder: Path) -> list[Path]:
    """Every figure as an SVG file.

    Args:
        sections: of the report.
        folder: where `figures/` is made.
    """
    target = folder / FIGURES
    target.mkdir(exist_ok=True)
    written = []
    for each in (d for section in sections for d in (*section.drawings, *section.folded)):
        for name, drawn in _files(each):
            path = target / f"{name}.svg"
            path.write_text(alone(drawn), encoding="utf-8")
            written.append(path)
    return written


def _files(each: Drawing) -> list[tuple[str, Markup]]:
    if each.more is None:
        return [(each.name, each.svg)]
    return [(f"{each.name}-real", each.svg), (f"{each.name}-copy", each.more)]


def alone(drawn: Markup) -> str:
    """A drawing that needs no page around it: white below, and a font."""
    opened = (
        '<svg xmlns="http://www.w3.org/2000/svg" style="background:#fff" '
        'font-family="system-ui, sans-serif" '
    )
    return str(drawn).replace("<svg ", opened, 1) + "\n"
