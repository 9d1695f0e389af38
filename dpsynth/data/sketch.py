"""A schema that is not finished: what is known of each table, and marked blanks for the rest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dpsynth.data.schema_file import flow
from dpsynth.schema_checks import RESERVED
from dpsynth.schema_errors import FILL_IN

Facts = dict[str, Any]
NUMERIC = ("number", "count")


@dataclass
class Sketch:
    """One table as far as it is known.

    Attributes:
        name: of the table.
        shape: static, visits or events.
        key, time, code, number: columns by role, "" where unknown, None where there is none.
        clock: kind, unit and gap bins of the time.
        columns: what is known of each column.
        picture: how the picture of each row is framed; empty if there is none.
    """

    name: str
    shape: str
    key: str = ""
    time: str | None = None
    code: str | None = None
    number: str | None = None
    clock: Facts = field(default_factory=dict)
    columns: dict[str, Facts] = field(default_factory=dict)
    picture: Facts = field(default_factory=dict)


def blank(facts: Facts) -> Facts:
    """A column's facts, with a marked blank for each that its type needs."""
    if facts.get("identifier"):
        return {"type": facts.get("type", "category"), "identifier": True}
    whole = {"type": facts.get("type", FILL_IN), **facts}
    if whole["type"] in NUMERIC:
        whole.setdefault("bounds", FILL_IN)
    elif whole["type"] == "category":
        whole.setdefault("categories", FILL_IN)
    return whole


def sketch_text(name: str, sketches: Iterable[Sketch], known: Mapping[str, Any]) -> str:
    """The draft as YAML: blanks say `FILL IN`, and loading names the first that is left.

    Args:
        name: of the data set.
        sketches: its tables.
        known: facts of the whole data set: population, max_visits, assumed_public.
    """
    sketches = list(sketches)
    lines = [*HEAD, "version: 1", f"name: {flow(name)}", "unit: patient # what is protected"]
    population = flow(known.get("population", FILL_IN))
    lines.append(f"population: {population} # a public number, or private; or remove the line")
    if any(each.shape != "static" for each in sketches):
        most = flow(known.get("max_visits", FILL_IN))
        lines.append(f"max_visits: {most} # of one patient; later ones are cut")
    lines.append("tables:")
    taken = set(RESERVED)
    for each in sketches:
        lines += _table(each, taken)
    lines += TAIL
    if known.get("assumed_public"):
        lines.append("assumed_public: # read from values; the privacy card says so")
        lines += [f"  - {flow(place)}" for place in known["assumed_public"]]
    return "\n".join(lines) + "\n"


def _table(given: Sketch, taken: set[str]) -> list[str]:
    lines = [f"  {flow(given.name)}:", f"    shape: {given.shape} # static, visits or events"]
    lines.append(f"    key: {flow(given.key or FILL_IN)}")
    if given.shape != "static":
        clock = {"column": given.time or FILL_IN, "kind": FILL_IN, "unit": FILL_IN, **given.clock}
        if clock["kind"] == "order":
            clock = {"column": clock["column"], "kind": "order"}
        elif given.shape == "visits":
            clock.setdefault("gap", {"type": "number", "bounds": FILL_IN})
        lines.append(f"    time: {flow(clock)}")
    if given.picture:
        lines.append(f"    picture: {flow(given.picture)} # size and channels are yours to choose")
    if given.shape == "events":
        lines.append(f"    code: {flow(given.code or FILL_IN)}")
        lines.append(f"    number: {flow(given.number or FILL_IN)}")
        lines.append(f"    every: {FILL_IN} # a window, such as 6h; each window is a visit")
    columns = given.columns or ({FILL_IN: {"type": FILL_IN}} if given.shape == "events" else {})
    lines.append("    columns:" if columns else "    columns: {}")
    for at, facts in columns.items():
        name, whole = at, blank(facts)
        if at in taken and not whole.get("identifier"):
            name, whole = f"{at}_{given.name}", {**whole, "source": at}
        taken.add(name)
        lines.append(f"      {flow(name)}: {flow(whole)}")
    return lines


def table_name(text: str) -> str:
    """A name that a table may have."""
    return re.sub(r"[^\w .-]", "_", text).strip(" .-") or "table"


HEAD = (
    "# A draft from column names and storage types alone: no value was looked at, unless",
    "# assumed_public says so. Replace each FILL IN with a public fact:",
    "#   type: number, count, category or boolean",
    "#   bounds: [low, high] of a number or count; or remove it and say private: true",
    "#   categories: [a, b, c] of a category; or remove it and say private: true",
    "#   kind: number, date or order; unit: minutes, hours, days or years",
    "# Columns with identifier: true are dropped. Mark audited attributes sensitive: true.",
)
TAIL = ("# label: {column: NAME, positive: CATEGORY} # or above: NUMBER",)
