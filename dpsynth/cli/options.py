"""Options that several commands have, with units and ranges."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

PATH = click.Path(path_type=Path)
EPSILON = click.FloatRange(min=0, min_open=True)
DELTA = click.FloatRange(min=0, max=1, min_open=True, max_open=True)
RATE = click.FloatRange(min=0, max=1, max_open=True)
COUNT = click.IntRange(min=0)


class Setting(click.ParamType):  # type: ignore[type-arg]
    """`name=value`, where the value reads as a number, true, false, none, or a word."""

    name = "setting"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Any]:
        """The name and the value."""
        if isinstance(value, tuple):
            return value
        name, equals, text = str(value).partition("=")
        if not (name.strip() and equals and text.strip()):
            self.fail(f"a setting reads name=value, got {value!r}", param, ctx)
        return name.strip(), _value(text.strip())


def _value(text: str) -> Any:
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


class GroupWeight(click.ParamType):  # type: ignore[type-arg]
    """`COLUMN:GROUP=WEIGHT,GROUP=WEIGHT`."""

    name = "group weights"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, dict[str, float]]:
        """The column, and weights by group."""
        if isinstance(value, tuple):
            return value
        column, colon, text = str(value).partition(":")
        found: dict[str, float] = {}
        for part in text.split(","):
            group, equals, number = part.rpartition("=")
            try:
                weight = float(number)
            except ValueError:
                weight = math.nan
            if not (column.strip() and colon and equals and group.strip()) or math.isnan(weight):
                self.fail(f"group weights read 'sex:f=1,m=0.4', got {value!r}", param, ctx)
            if group.strip() in found:
                self.fail(f"group {group.strip()!r} has two weights in {value!r}", param, ctx)
            found[group.strip()] = weight
        return column.strip(), found


def by_column(given: Sequence[tuple[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Group weights of all columns.

    Raises:
        BadParameter: if a column is named twice.
    """
    found = dict(given)
    if len(found) < len(given):
        raise click.BadParameter("name each column once", param_hint="--group-weights")
    return found


def data_argument(required: bool = True) -> Callable[[F], F]:
    """The files of real data."""
    return click.argument("data", nargs=-1, required=required, metavar="DATA...")


def tier_option(says: str) -> Callable[[F], F]:
    """Which tier of a policy."""
    return click.option(
        "--tier", metavar="NAME", help=f"{says} Ours are public, registered and controlled."
    )


def policy_option(function: F) -> F:
    """Whose tiers."""
    return click.option(
        "--policy",
        type=PATH,
        metavar="FILE",
        help="TOML file of the committee that decides on releases.  [default: dpsynth's tiers]",
    )(function)


def json_option(function: F) -> F:
    """For machines."""
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Print one JSON object on stdout and nothing else there.",
    )(function)


def device_option(function: F) -> F:
    """Where to compute."""
    return click.option(
        "--device",
        default="auto",
        show_default=True,
        metavar="NAME",
        help="auto, cpu, cuda or cuda:0, ...; auto takes a GPU where there is one.",
    )(function)


def training_options(function: F) -> F:
    """The model and its settings."""
    options = (
        click.option(
            "--model",
            default="table-diffusion",
            show_default=True,
            metavar="NAME",
            help="table-diffusion, table-gan, log-linear (no network), markov or independent; "
            "of pictures image-diffusion, image-gan, dct-gaussian or dp-merf (floors).",
        ),
        click.option(
            "--setting",
            "settings",
            multiple=True,
            type=Setting(),
            metavar="NAME=VALUE",
            help="A public setting of the model, such as steps=300. Repeatable.",
        ),
        device_option,
        json_option,
    )
    return functools.reduce(lambda f, option: option(f), reversed(options), function)
