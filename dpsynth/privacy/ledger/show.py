"""What `dpsynth ledger show` prints: rows for people, a dict for machines."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dpsynth.errors import InputError
from dpsynth.privacy.budget import reported
from dpsynth.privacy.ledger.book import Ledger
from dpsynth.privacy.ledger.chain import Entry
from dpsynth.privacy.ledger.filter import added
from dpsynth.privacy.ledger.scopes import Scope
from dpsynth.privacy.ledger.sums import Spent


@dataclass(frozen=True, kw_only=True)
class Table:
    """Text to lay out: a title, column names, rows, and the sums in words, a line each."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    totals: tuple[str, ...]


def table(ledger: Ledger, name: str) -> Table:
    """Every entry of a population or a group, the newest last, and what it comes to."""
    entries, scope, groups = ledger.entries(name), ledger.scope(name), ledger.groups()
    title = f"population {name}"
    if name in groups:
        title = f"group {name}: {', '.join(groups[name])}"
    elif group := _group_of(name, groups):
        title += f" (adds up with others in group {group})"
    return Table(
        title=title,
        columns=("no.", "time (UTC)", "entry", "run", "epsilon", "delta", "note"),
        rows=tuple(_row(e, entries[:place]) for place, e in enumerate(entries)),
        totals=_totals(scope.spent(), fixed_in_advance(scope)),
    )


def as_json(ledger: Ledger, names: Sequence[str] | None = None) -> dict[str, Any]:
    """Return the same facts by name. Fingerprints and hashes stay in the ledger."""
    groups = ledger.groups()
    found = {}
    for name in [*ledger.populations(), *groups] if names is None else names:
        scope = ledger.scope(name)
        found[name] = {
            "group": _group_of(name, groups),
            "populations": groups.get(name, [name]),
            "spent": asdict(scope.spent()) | {"advance_epsilon": fixed_in_advance(scope)},
            "entries": [_plain(e) for e in ledger.entries(name)],
        }
    return found


def fixed_in_advance(scope: Scope) -> float | None:
    """Epsilon of all runs at `Spent.at_delta` by PLD, or none if that delta is too small.

    Holds if every run was fixed before the first answer was seen. Runs whose plan was not written
    down are added on top, by their epsilon and delta.
    """
    # They take seconds to load.
    from dpsynth.privacy.accountant import epsilon_together
    from dpsynth.privacy.plan import Plan

    plans, epsilons, deltas = [], [], []
    for body in (e.body for e in scope.entries if e.type == "reserve"):
        try:
            plans.append(Plan.from_public(body["plan"]))
        except (InputError, KeyError, TypeError):
            epsilons.append(body["epsilon"])
            deltas.append(body["delta"])
    left = scope.spent().at_delta - added(deltas)
    if left < 0 or (plans and left == 0):
        return None
    total = added(epsilons) + (epsilon_together(plans, left) if plans else 0.0)
    return total if math.isfinite(total) else None


def words(spent: Spent) -> str:
    """What was spent and what is left, in one line: the sum that holds without more ado."""
    epsilon, delta = spent.epsilon, spent.delta
    if spent.firm and spent.adaptive_epsilon is not None:
        epsilon, delta = spent.adaptive_epsilon, spent.at_delta
    said = (
        f"spent by {_count(spent.runs, 'run')}: {_epsilon(epsilon)}, delta {delta:g}, "
        "however each was chosen after the last"
    )
    if spent.cap_epsilon is not None and spent.left is not None:
        said += f"; {_cap(spent)}"
    if spent.unprotected:
        said += f"; {_unprotected(spent)}"
    return said


def _totals(spent: Spent, advance: float | None) -> tuple[str, ...]:
    """Each sum with what it takes to hold."""
    lines = [
        f"spent by {_count(spent.runs, 'run')}, at delta {spent.at_delta:g}:",
        f"  {_epsilon(spent.adaptive_epsilon)} holds however each run was chosen after seeing the "
        f"last (Renyi filter){_firmly(spent)}; a cap counts this",
        f"  {_epsilon(advance)} holds only if every run was fixed before the first answer was seen "
        "(PLD composition)",
        f"and by addition: {_epsilon(spent.epsilon)}, delta {spent.delta:g}, however chosen "
        "(basic composition)",
    ]
    if spent.cap_epsilon is not None:
        lines.append(_cap(spent))
    if spent.unprotected:
        lines.append(f"{_unprotected(spent)}, which no sum covers")
    return tuple(lines)


def _firmly(spent: Spent) -> str:
    if spent.firm:
        return ""
    return " under one cap from before the first run on, which was not so here"


def _cap(spent: Spent) -> str:
    left = math.floor(round((spent.left or 0.0) * 100, 9)) / 100
    return f"cap: epsilon {spent.cap_epsilon:g}, delta {spent.cap_delta:g}; left: epsilon {left:g}"


def _unprotected(spent: Spent) -> str:
    plural = "access" if spent.unprotected == 1 else "accesses"
    return f"{spent.unprotected} internal {plural} without protection"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _epsilon(value: float | None) -> str:
    return "no epsilon (delta too small)" if value is None else f"epsilon {reported(value):g}"


def _group_of(population: str, groups: Mapping[str, Sequence[str]]) -> str | None:
    return next((name for name, members in groups.items() if population in members), None)


def _row(entry: Entry, before: Sequence[Entry]) -> tuple[str, ...]:
    body = entry.body
    return (
        str(entry.number),
        entry.time.removesuffix("+00:00").replace("T", " "),
        entry.type,
        str(body.get("run", "")),
        _number(body.get("epsilon")),
        _number(body.get("delta")),
        _note(entry.type, body, before),
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _note(kind: str, body: Mapping[str, Any], before: Sequence[Entry]) -> str:
    if kind == "cap":
        return _change(body, [e.body for e in before if e.type == "cap"])
    return NOTES[kind](body) if kind in NOTES else ""


NOTES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "join": lambda body: ", ".join(f["name"] for f in body["files"]),
    "group": lambda body: ", ".join(body["populations"]),
    "member": lambda body: f"in group {body['group']} from now on",
    "reserve": lambda body: "" if "renyi" in body else "no Renyi curve: added up",
    "resume": lambda body: (
        "resumed " + ("once" if body["resumes"] == 1 else f"{body['resumes']} times")
    ),
    "finish": lambda body: str(body["status"]),
    "unprotected": lambda body: str(body["purpose"]),
    "repaired": lambda body: f"{body['bytes']} torn bytes of an unconfirmed entry cut off",
}


def _change(cap: Mapping[str, Any], before: Sequence[Mapping[str, Any]]) -> str:
    """Whether a cap was raised, which steward and auditor must see."""
    if not before:
        return "first cap"
    was = before[-1]
    raised = cap["epsilon"] > was["epsilon"] or cap["delta"] > was["delta"]
    same = (cap["epsilon"], cap["delta"]) == (was["epsilon"], was["delta"])
    how = "RAISED" if raised else "unchanged" if same else "lowered"
    return f"{how}, was epsilon {was['epsilon']:g}, delta {was['delta']:g}"


def _plain(entry: Entry) -> dict[str, Any]:
    body = dict(entry.body)
    if "files" in body:
        body["files"] = [f["name"] for f in body["files"]]
    return {"number": entry.number, "time": entry.time, "type": entry.type, **body}
