"""The card as one page that a data steward reads, prints and signs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from dpsynth.privacy.card.build import validate

CHART = 260  # side of the trade-off chart's plot, in its own units


def render_html(card: Mapping[str, Any]) -> str:
    """Return a page that needs nothing else: no script, no font, no address is loaded.

    Raises:
        CardError: if the card says too little.
    """
    validate(card)
    bounds = card["guarantee"]["trade_off"]
    return _template().render(
        **card, chart=_chart(bounds), side=CHART, warnings=warnings(card), gaps=not_protected(card)
    )


def warnings(card: Mapping[str, Any]) -> list[str]:
    """What has to be seen before anything else on the page."""
    found = []
    if card["implementation"]["seed"]["insecure"]:
        found.append(
            "A known seed was set for noise or sampling. Whoever knows it can take the noise "
            "off, and then nothing on this card holds. Do not release."
        )
    if card["audit"]["status"] == "assessed" and card["audit"]["verdict"] == "violated":
        found.append(
            "The audit contradicts the promise: an attacker proved more than this card allows. "
            "Do not release."
        )
    return found


def not_protected(card: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Everything that the promise does not cover: what it is, and what is known of it."""
    scope, made = card["scope"], card["implementation"]
    accesses = [(k.replace("_", " "), a) for k, a in scope["accesses"].items()]
    found = [(name.capitalize(), a["how"]) for name, a in accesses if a["status"] == "not covered"]
    if scope["assumed_public"]:
        found.append(
            ("Facts read from real values and taken as public", ", ".join(scope["assumed_public"]))
        )
    found += [("Other", words) for words in scope["unprotected"]]
    if scope["public_data"] != "none":
        found.append(("Public data", scope["public_data"]))
    if count := scope["composition"]["unprotected"]:
        times = "once" if count == 1 else f"{count} times"
        found.append(
            ("Internal accesses", f"real records were looked at without protection {times}; see "
             "the ledger. What was seen there is no part of this release")
        )  # fmt: skip
    if made["strict"]:
        found.append(
            ("Strict reading", "the run stops on a forbidden value, so that it went through "
             "tells that there was none")
        )  # fmt: skip
    return found + [("Open hazard", words) for words in made["open_hazards"]]


@cache
def _template() -> Template:
    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters.update(
        counted=_counted,
        factor=_factor,
        hundredths=_hundredths,
        number=_number,
        percent=_percent,
        setting=_setting,
        small=_small,
    )
    return pages.get_template("card.html")


def _chart(bounds: list[dict[str, float]]) -> str:
    """The bound as the points of an SVG polyline, false alarms to the right, hits upwards."""
    return " ".join(
        f"{b['false_positive_rate'] * CHART:.1f},"
        f"{(1 - b['true_positive_rate_at_most']) * CHART:.1f}"
        for b in bounds
    )


def _number(value: float) -> str:
    """Shortest digits, thin spaces between thousands."""
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\u202f")
    if value and not 1e-4 <= abs(value) < 1e6:
        return _small(value)
    return f"{value:.6g}"


def _small(value: float) -> str:
    """A power of ten as people write it."""
    digits, exponent = f"{value:.3e}".split("e")
    digits = digits.rstrip("0").rstrip(".")
    power = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{power}" if digits == "1" else f"{digits}\u00a0×\u00a010{power}"


def _hundredths(share: float) -> str:
    """How many in 100, rounded up at one decimal: these are bounds."""
    return f"{math.ceil(round(share * 1000, 6)) / 10:g}"


def _percent(share: float) -> str:
    return f"{_hundredths(share)}\u00a0%"


def _factor(epsilon: float) -> str:
    """e^epsilon, rounded up."""
    if epsilon > math.log(1e6):
        return "over a million"
    factor = math.exp(epsilon)
    return f"{math.ceil(factor * 100) / 100:g}" if factor < 10 else _number(math.ceil(factor))


def _counted(count: int, one: str, many: str | None = None) -> str:
    return f"{_number(count)} {one if count == 1 else many or one + 's'}"


def _setting(value: str | float | bool | None) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    return value if isinstance(value, str) else _number(value)
