"""What `dpsynth ledger show` prints: rows for people, a dict for machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dpsynth.privacy.ledger.book import Ledger
from dpsynth.privacy.ledger.chain import Entry
from dpsynth.privacy.ledger.sums import Spent


@dataclass(frozen=True, kw_only=True)
class Table:
    """Text to lay out: a title, column names, rows, and the sum in words."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: str


def table(ledger: Ledger, population: str) -> Table:
    """Every entry of one population, the newest last, with the total spent."""
    entries = ledger.entries(population)
    return Table(
        title=f"population {population}",
        columns=("no.", "time (UTC)", "entry", "run", "epsilon", "delta", "note"),
        rows=tuple(_row(e) for e in entries),
        total=_total(Spent.of(entries)),
    )


def as_json(ledger: Ledger, populations: Sequence[str] | None = None) -> dict[str, Any]:
    """Return the same facts by population. Fingerprints and hashes stay in the ledger."""
    names = ledger.populations() if populations is None else populations
    read = {name: ledger.entries(name) for name in names}
    return {
        name: {"spent": asdict(Spent.of(entries)), "entries": [_plain(e) for e in entries]}
        for name, entries in read.items()
    }


def _total(spent: Spent) -> str:
    words = (
        f"spent by {spent.runs} run{'' if spent.runs == 1 else 's'}: epsilon {spent.epsilon:g}, "
        f"delta {spent.delta:g} (basic composition)"
    )
    if spent.cap_epsilon is not None and spent.cap_delta is not None:
        words += f"; cap: epsilon {spent.cap_epsilon:g}, delta {spent.cap_delta:g}"
    if spent.unprotected:
        plural = "access" if spent.unprotected == 1 else "accesses"
        words += f"; {spent.unprotected} internal {plural} without protection"
    return words


def _row(entry: Entry) -> tuple[str, ...]:
    body = entry.body
    return (
        str(entry.number),
        entry.time.removesuffix("+00:00").replace("T", " "),
        entry.type,
        str(body.get("run", "")),
        _number(body.get("epsilon")),
        _number(body.get("delta")),
        _note(entry.type, body),
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _note(kind: str, body: Mapping[str, Any]) -> str:
    match kind:
        case "join":
            return ", ".join(f["name"] for f in body["files"])
        case "finish":
            return str(body["status"])
        case "unprotected":
            return str(body["purpose"])
        case "resume":
            return f"resumed {body['resumes']} times" if body["resumes"] > 1 else "resumed once"
        case "repaired":
            return f"{body['bytes']} torn bytes of an unconfirmed entry cut off"
        case _:
            return ""


def _plain(entry: Entry) -> dict[str, Any]:
    body = dict(entry.body)
    if "files" in body:
        body["files"] = [f["name"] for f in body["files"]]
    return {"number": entry.number, "time": entry.time, "type": entry.type, **body}
