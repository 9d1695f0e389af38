"""Choices made after looking at real patients' metrics: they stand on every later card."""

from __future__ import annotations

from collections.abc import Sequence

from dpsynth.privacy.card import Access
from dpsynth.privacy.ledger import Ledger

LOOK = "sweep: "  # how the purpose of such an access begins in the ledger
CHOSEN = (
    "that this model and this epsilon may have been chosen by metrics of real patients, in a sweep"
)


def look(book: Ledger, population: str, what: str, *, run: str | None, sweep: str) -> None:
    """Write down that real patients' metrics are about to be looked at by whoever chooses.

    Args:
        book, population: whose records.
        what: in words, without any figure.
        run: the run that it belongs to, or none.
        sweep: id of the sweep.
    """
    book.unprotected(population, run=run, purpose=LOOK + what, report=sweep)


def tuning(book: Ledger, population: str) -> Access:
    """How models, settings and epsilon were chosen, for the card.

    Whoever has seen a sweep on these patients, or on any that share a group with them, can't
    choose as if they had not: it stands on every card that is made from then on.
    """
    parts = book.chains([population]).populations.values()
    looks = [
        entry
        for part in parts
        for entry in part
        if entry.type == "unprotected" and entry.body["purpose"].startswith(LOOK)
    ]
    if not looks:
        return Access(
            status="no access", how="settings follow from the schema, P and epsilon alone"
        )
    sweeps = {entry.body.get("report") for entry in looks}
    last = max(entry.time for entry in looks)[:10]
    times = "one sweep" if len(sweeps) == 1 else f"{len(sweeps)} sweeps"
    return Access(
        status="not covered",
        how=f"metrics of real patients were compared over models and epsilons in {times}, last "
        f"on {last} ({len(looks)} unprotected accesses): the choice may tell of them",
    )


def told(unprotected: Sequence[str], access: Access) -> tuple[str, ...]:
    """What a card leaves unprotected, with the choice if there was one."""
    more = [CHOSEN] if access.status == "not covered" and CHOSEN not in unprotected else []
    return (*unprotected, *more)
