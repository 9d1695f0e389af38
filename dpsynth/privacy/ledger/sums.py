"""What was reserved, and what all reservations of a population come to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dpsynth.errors import BudgetError, LedgerError
from dpsynth.privacy.ledger.chain import Entry


@dataclass(frozen=True, kw_only=True)
class Reservation:
    """The whole budget of one run, on the disk before its first question.

    Attributes:
        population: whose patients are asked.
        run: the run's id, once in a population.
        epsilon, delta: of the whole plan, per unit of privacy.
        plan: the questions, as the accountant composed them.
        number: of the ledger's entry.
        resumes: how often the run was taken up again.
    """

    population: str
    run: str
    epsilon: float
    delta: float
    plan: Mapping[str, Any]
    number: int
    resumes: int = 0

    @classmethod
    def of(cls, population: str, entry: Entry, resumes: int = 0) -> Reservation:
        """Read a "reserve" entry."""
        body = entry.body
        return cls(
            population=population,
            run=body["run"],
            epsilon=body["epsilon"],
            delta=body["delta"],
            plan=body["plan"],
            number=entry.number,
            resumes=resumes,
        )


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What all runs on a population have reserved, added up.

    Guarantee:
        Everything that the runs released is together (epsilon, delta)-DP by basic
        composition, which holds even where a run was chosen after seeing the last one's
        answers. Unprotected accesses are not covered by it.

    Attributes:
        epsilon, delta: sums over all reservations, finished or not.
        runs: number of reservations.
        unprotected: number of internal accesses without protection.
        cap_epsilon, cap_delta: what may be spent at most, or none.
    """

    epsilon: float
    delta: float
    runs: int
    unprotected: int
    cap_epsilon: float | None = None
    cap_delta: float | None = None

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> Spent:
        """Add up one population's entries."""
        runs = [e.body for e in entries if e.type == "reserve"]
        caps = [e.body for e in entries if e.type == "cap"]
        return cls(
            epsilon=_total([r["epsilon"] for r in runs]),
            delta=_total([r["delta"] for r in runs]),
            runs=len(runs),
            unprotected=sum(e.type == "unprotected" for e in entries),
            cap_epsilon=caps[-1]["epsilon"] if caps else None,
            cap_delta=caps[-1]["delta"] if caps else None,
        )


def check_budget(epsilon: float, delta: float) -> None:
    """Refuse what can't be added up."""
    if not (math.isfinite(epsilon) and epsilon >= 0):
        raise LedgerError(
            f"epsilon must be a finite number of at least 0, got {epsilon!r}; a run without "
            "privacy is an unprotected access, not a reservation"
        )
    if not 0 <= delta < 1:
        raise LedgerError(f"delta must be in [0, 1), got {delta!r}")


def check_cap(spent: Spent, population: str, epsilon: float, delta: float) -> None:
    """Refuse a reservation that would pass the population's cap."""
    for name, used, more, cap in (
        ("epsilon", spent.epsilon, epsilon, spent.cap_epsilon),
        ("delta", spent.delta, delta, spent.cap_delta),
    ):
        if cap is not None and _total([used, more]) > cap:
            raise BudgetError(
                f"population {population!r} has spent {name} {used:g} of its cap {cap:g}; "
                f"{more:g} more does not fit: ask for less, or raise the cap knowingly"
            )


def _total(parts: Sequence[float]) -> float:
    """Add budgets as the decimals they were written as, so that 0.1 + 0.2 is 0.3."""
    return float(sum((Decimal(repr(float(p))) for p in parts), Decimal(0)))
