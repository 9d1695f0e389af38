"""`dpsynth inspect`: a first schema from names and storage types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dpsynth.cli import options
from dpsynth.cli.output import finish


@click.command("inspect", short_help="A first schema, from names and storage types.")
@options.data_argument(required=False)
@click.option(
    "--out",
    type=options.PATH,
    required=True,
    metavar="FILE",
    help="The schema to write (.yaml), or metadata (.json) with --export-sdv.",
)
@click.option(
    "--dictionary",
    type=options.PATH,
    metavar="FILE",
    help="Data dictionary, CSV or JSON: name, type, unit, min, max, categories.",
)
@click.option(
    "--sdv", type=options.PATH, metavar="FILE", help="Start from SDV metadata instead of DATA."
)
@click.option(
    "--export-sdv",
    type=options.PATH,
    metavar="SCHEMA",
    help="The other way: write a finished schema as SDV metadata.",
)
@click.option(
    "--assume-public",
    is_flag=True,
    help="Read bounds and categories from values, WITHOUT PROTECTION; every card will say so.",
)
@click.option(
    "--population",
    metavar="NAME",
    help="Group of patients in the ledger, to write that access down there too.",
)
@click.option("--name", metavar="NAME", help="Of the data set.  [default: the first table's]")
@options.json_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    data: tuple[str, ...],
    export_sdv: Path | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Draft a schema from DATA's column names and storage types, without looking at a value.

    DATA are tables, with pictures beside them or not, an .npz of pictures, or a folder of DICOM
    files. What it can't know is left as a marked blank; direct identifiers are found by name.
    """
    from dpsynth.pipeline.inspecting import export_sdv as export
    from dpsynth.pipeline.inspecting import inspect

    if export_sdv is not None:
        others = {"DATA": data, **{name: value for name, value in given.items() if name != "out"}}
        for name, value in others.items():
            if value:
                raise click.UsageError(f"{name} does not go with --export-sdv", ctx)
        made = export(export_sdv, given["out"])
        finish(
            {"command": "inspect", "metadata": str(made.path)},
            [f"Wrote SDV metadata to {made.path}; no data were read."],
            as_json=as_json,
        )
        return
    made = inspect(data, **given)
    finish(
        {
            "command": "inspect",
            "schema": str(made.path),
            "blanks": made.blanks,
            "identifiers": list(made.identifiers),
            "values_read": made.assumed_public,
            "population": made.population,
        },
        [
            f"Wrote {made.path}: {made.blanks} lines to fill in (FILL IN).",
            f"Direct identifiers, to be dropped: {', '.join(made.identifiers) or 'none found'}.",
            _cost(made.assumed_public, made.population),
        ],
        as_json=as_json,
    )


def _cost(values_read: bool, population: str | None) -> str:
    if not values_read:
        return "Privacy: no value was read, only column names and storage types."
    ledger = f", and the ledger of population {population}" if population else ""
    return (
        "Privacy: NO GUARANTEE: values were read and taken as public. The schema lists them under "
        f"assumed_public{ledger}; every card made with it will say so."
    )
