"""`dpsynth ledger`: what has been spent on each population, by every run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from dpsynth.cli import options
from dpsynth.cli.output import finish, one_line
from dpsynth.privacy.ledger import Ledger, Table, table
from dpsynth.privacy.ledger import as_json as machine_form


@click.group("ledger", short_help="What has been spent on whom.")
def command() -> None:
    """See and limit what has been spent on each population of patients, by every run."""


@command.command("show")
@click.argument("population", required=False)
@options.json_option
def show(population: str | None, as_json: bool) -> None:
    """Every entry of POPULATION, or of all; edited ledgers are refused."""
    ledger = Ledger()
    names = ledger.populations() if population is None else [population]
    lines = [line for name in names for line in _laid_out(table(ledger, name))]
    finish(
        {"command": "ledger show", "populations": machine_form(ledger, names)},
        lines or [f"The ledger {ledger.root} is empty."],
        as_json=as_json,
    )


@command.command("join")
@click.argument("population")
@options.data_argument()
@options.json_option
def join(population: str, data: tuple[str, ...], as_json: bool) -> None:
    """Say that DATA hold patients of POPULATION; it is made if it is new.

    All versions, extracts and refreshes of the same patients' data share one budget.
    """
    ledger, files = Ledger(), [Path(each) for each in data]
    ledger.join(population, files)
    finish(
        {"command": "ledger join", "population": population, "files": [f.name for f in files]},
        [f"Population {population} now holds {', '.join(f.name for f in files)}."],
        as_json=as_json,
    )


@command.command("cap")
@click.argument("population")
@click.option("--epsilon", type=click.FloatRange(min=0), required=True, metavar="NUMBER")
@click.option("--delta", type=options.RATE, required=True, metavar="CHANCE")
@options.json_option
def cap(population: str, epsilon: float, delta: float, as_json: bool) -> None:
    """Set what all runs on POPULATION may spend together; the last cap holds."""
    ledger = Ledger()
    ledger.cap(population, epsilon=epsilon, delta=delta)
    finish(
        {
            "command": "ledger cap",
            "population": population,
            "spent": asdict(ledger.spent(population)),
        },
        [f"Population {population}: {table(ledger, population).total}."],
        as_json=as_json,
    )


def _laid_out(found: Table) -> list[str]:
    """The table with its columns under each other."""
    rows = [found.columns, *([one_line(cell) for cell in row] for row in found.rows)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(found.columns))]
    body = [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return [found.title, *body, f"{found.total}.", ""]
