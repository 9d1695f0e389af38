"""`dpsynth ledger`: what has been spent on each population, by every run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dpsynth.cli import options
from dpsynth.cli.output import finish, one_line
from dpsynth.privacy.ledger import Ledger, Table, table, words
from dpsynth.privacy.ledger import as_json as machine_form

if TYPE_CHECKING:
    from dpsynth.privacy.ledger.export import Export


@click.group("ledger", short_help="What has been spent on whom.")
def command() -> None:
    """See and limit what has been spent on each population of patients, by every run."""


@command.command("show")
@click.argument("name", required=False)
@options.json_option
def show(name: str | None, as_json: bool) -> None:
    """Every entry of the population or group NAME, or of all, and what it comes to.

    Two totals: one holds however each run was chosen after seeing the last, and is what a cap
    counts; the other holds only if every run was fixed before the first answer was seen. An
    edited ledger is refused.
    """
    ledger = Ledger()
    groups = [each for each in ledger.groups() if name in (None, each)]
    names = [each for each in ledger.populations() if name in (None, each)]
    if name is not None and not groups:
        names = [name]
    lines = (
        []
        if as_json
        else [line for each in [*names, *groups] for line in _laid_out(table(ledger, each))]
    )
    finish(
        {
            "command": "ledger show",
            "populations": machine_form(ledger, names),
            "groups": machine_form(ledger, groups),
        },
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


@command.command("group")
@click.argument("name")
@click.argument("populations", nargs=-1, required=True, metavar="POPULATION...")
@options.json_option
def group(name: str, populations: tuple[str, ...], as_json: bool) -> None:
    """Say that POPULATIONs share patients: they add up under one cap, as group NAME.

    A group can grow; a population never leaves it.
    """
    ledger = Ledger()
    ledger.group(name, populations)
    members, spent = ledger.groups()[name], ledger.scope(name).spent()
    finish(
        {
            "command": "ledger group",
            "group": name,
            "populations": members,
            "spent": asdict(spent),
        },
        [f"Group {name} now holds {', '.join(members)}: {words(spent)}."],
        as_json=as_json,
    )


@command.command("cap")
@click.argument("name")
@click.option("--epsilon", type=click.FloatRange(min=0), required=True, metavar="NUMBER")
@click.option("--delta", type=options.RATE, required=True, metavar="CHANCE")
@options.json_option
def cap(name: str, epsilon: float, delta: float, as_json: bool) -> None:
    """Set what all runs on the population or group NAME may spend together; the last cap holds.

    It holds however each run is chosen after seeing the last, if it is set before the first
    answer. A cap that is raised because of answers promises less: twice its delta.
    """
    ledger = Ledger()
    ledger.cap(name, epsilon=epsilon, delta=delta)
    what = "group" if name in ledger.groups() else "population"
    spent = ledger.scope(name).spent()
    finish(
        {"command": "ledger cap", what: name, "spent": asdict(spent)},
        [f"{what.capitalize()} {name}: {words(spent)}."],
        as_json=as_json,
    )


@command.command("export")
@click.argument("file", type=options.PATH)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@options.json_option
def export(file: Path, names: tuple[str, ...], as_json: bool) -> None:
    """Write everything, or the populations and groups NAME, to FILE.json for an auditor.

    The chain is checked first. No path and no secret is in the file, but hashes by which
    published cards can be linked: do not publish it.
    """
    from dpsynth.privacy.ledger.export import export as write

    found = write(Ledger(), file, names)
    finish(
        {"command": "ledger export", "file": str(file), **_counts(found)},
        [f"{_what(found)} in {file}; check it anywhere with dpsynth ledger verify {file}."],
        as_json=as_json,
    )


@command.command("verify")
@click.argument("file", required=False, type=options.PATH)
@options.json_option
def verify(file: Path | None, as_json: bool) -> None:
    """Check every hash of this ledger, or of FILE that `export` wrote, which needs no ledger.

    Ends with 2 if an entry was edited, removed or moved. A chain that was written anew as a
    whole is caught by published cards alone: each commits to the head of its day.
    """
    from dpsynth.privacy.ledger.export import check

    if file is None:
        ledger = Ledger()
        names = [*ledger.populations(), *ledger.groups()]
        for name in names:
            ledger.verify(name)
        said, facts = f"{len(names)} chains of {ledger.root}", {"chains": len(names)}
    else:
        found = check(file)
        said, facts = f"{_what(found)} in {file}", _counts(found)
    finish(
        {"command": "ledger verify", "verified": True, **facts},
        [f"Verified: {said}."],
        as_json=as_json,
    )


def _counts(found: Export) -> dict[str, int]:
    parts = [*found.populations.values(), *found.groups.values()]
    return {"chains": len(parts), "entries": sum(len(part.entries) for part in parts)}


def _what(found: Export) -> str:
    counts = _counts(found)
    return f"{counts['chains']} chains, {counts['entries']} entries"


def _laid_out(found: Table) -> list[str]:
    """The table with its columns under each other."""
    rows = [found.columns, *([one_line(cell) for cell in row] for row in found.rows)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(found.columns))]
    body = [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return [found.title, *body, *found.totals, ""]
