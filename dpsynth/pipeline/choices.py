"""Choices made after looking at real patients' figures: they stand on every later card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dpsynth.pipeline.inspecting import VALUES
from dpsynth.privacy.card import Access
from dpsynth.privacy.ledger import Ledger
from dpsynth.privacy.ledger.chain import Entry

if TYPE_CHECKING:  # it loads torch
    from dpsynth.pipeline.run_folder import Run

LOOK = "sweep: "  # how the purpose of a sweep's access begins in the ledger
CHOSEN = (
    "that this model, its settings, its epsilon and this training may have been chosen by figures "
    "of real patients"
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


def tuning(book: Ledger, run: Run) -> Access:
    """How model, settings and epsilon were chosen, for the card.

    Whoever has seen figures of these patients, or of any that share a group with them, can't
    choose as if they had not: evaluations, benchmarks and sweeps that came before the run stand
    on its card, and sweeps that came after it too, since one of their runs may be this one.
    """
    looks = list(_looks(book, run))
    if looks:
        last = max(entry.time for entry in looks)[:10]
        return Access(
            status="not covered",
            how=f"figures of real patients had been looked at, last on {last} ({len(looks)} "
            "unprotected accesses: evaluations, benchmarks or sweeps): the choice may tell of them",
        )
    what = "settings follow from the schema, P and epsilon alone"
    if own := sorted([*run.settings, *(["group weights"] if run.plan.groups else [])]):
        what = f"{', '.join(own)} as whoever trained said, the rest from schema, P and epsilon"
    return Access(
        status="no access",
        how=f"{what}; the ledger knows of no look at real patients' figures before",
    )


def _looks(book: Ledger, run: Run) -> Iterator[Entry]:
    """Accesses by which it may have been chosen; of other populations of a group all of them,
    since clocks do not order them.
    """
    for name, part in book.chains([run.population]).populations.items():
        begun = [e.number for e in part if e.type == "reserve" and e.body["run"] == run.id]
        own = name == run.population and bool(begun)
        for entry in part:
            if entry.type != "unprotected" or entry.body["purpose"] == VALUES:
                continue  # the card lists what was read as such
            if not own or entry.number < begun[0] or entry.body["purpose"].startswith(LOOK):
                yield entry


def told(unprotected: Sequence[str], access: Access) -> tuple[str, ...]:
    """What a card leaves unprotected, with the choice if there was one."""
    more = [CHOSEN] if access.status == "not covered" and CHOSEN not in unprotected else []
    return (*unprotected, *more)
