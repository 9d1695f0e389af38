"""What was reserved, what all reservations come to, and what a cap leaves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dpsynth.errors import BudgetError, LedgerError
from dpsynth.privacy.budget import reported
from dpsynth.privacy.ledger import filter as privacy_filter
from dpsynth.privacy.ledger.chain import Entry
from dpsynth.privacy.ledger.filter import CHANCES, Cost, added, chances


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
class Scope:
    """Patients whose spending adds up: those of a population, or of a group of populations.

    Attributes:
        words: what it is called, such as "population 'icu'".
        entries: of all its populations.
        caps: its own "cap" entries, the last of which holds.
    """

    words: str
    entries: tuple[Entry, ...]
    caps: tuple[Entry, ...]

    @property
    def costs(self) -> tuple[Cost, ...]:
        """Of all reservations, finished or not."""
        return tuple(Cost.of(e.body) for e in self.entries if e.type == "reserve")

    def spent(self) -> Spent:
        """What all of it comes to."""
        costs, cap = self.costs, self.caps[-1].body if self.caps else None
        delta = added([c.delta for c in costs])
        at = cap["delta"] if cap else max(delta, chances(costs) / CHANCES)
        counted = privacy_filter.spent(costs, at)
        return Spent(
            epsilon=added([c.epsilon for c in costs]),
            delta=delta,
            runs=len(costs),
            unprotected=sum(e.type == "unprotected" for e in self.entries),
            adaptive_epsilon=counted if math.isfinite(counted) else None,
            at_delta=at,
            cap_epsilon=cap["epsilon"] if cap else None,
            cap_delta=cap["delta"] if cap else None,
            left=max(cap["epsilon"] - counted, 0.0) if cap else None,
        )

    def check(self, asked: Cost) -> None:
        """Refuse a run that would pass the cap.

        Raises:
            BudgetError: saying what is spent, what it asks, and what is left.
        """
        now = self.spent()
        if now.cap_epsilon is None or now.left is None:
            return
        total = privacy_filter.together(self.costs, asked, now.at_delta)
        if total > now.cap_epsilon:
            raise BudgetError(
                f"{self.words} has spent {_epsilon(now.adaptive_epsilon)} of its cap epsilon "
                f"{now.cap_epsilon:g}, delta {now.at_delta:g}; this run asks epsilon "
                f"{asked.epsilon:g}, delta {asked.delta:g}, which makes "
                f"{_epsilon(total if math.isfinite(total) else None)}, and {_down(now.left):g} "
                "is left: ask for less, or raise the cap knowingly"
            )


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What all runs on the same patients have reserved, added up.

    Guarantee:
        Everything that the runs released is together (epsilon, delta)-DP by basic composition,
        and (adaptive_epsilon, at_delta)-DP by the filter under a cap, both of which hold even
        where a run was chosen after seeing the last one's answers (see `ledger.filter`).
        Unprotected accesses are not covered by it.

    Attributes:
        epsilon, delta: sums over all reservations, finished or not.
        runs: number of reservations.
        unprotected: number of internal accesses without protection.
        adaptive_epsilon: at `at_delta`, as a cap counts it; none if that delta is too small for
            what the runs' curves do not cover.
        at_delta: the cap's delta; without a cap that of the runs together.
        cap_epsilon, cap_delta: what may be spent at most, or none.
        left: the cap's epsilon less `adaptive_epsilon`, or none without a cap.
    """

    epsilon: float
    delta: float
    runs: int
    unprotected: int
    adaptive_epsilon: float | None
    at_delta: float
    cap_epsilon: float | None = None
    cap_delta: float | None = None
    left: float | None = None


def check_budget(epsilon: float, delta: float) -> None:
    """Refuse what can't be added up."""
    if not (math.isfinite(epsilon) and epsilon >= 0):
        raise LedgerError(
            f"epsilon must be a finite number of at least 0, got {epsilon!r}; a run without "
            "privacy is an unprotected access, not a reservation"
        )
    if not 0 <= delta < 1:
        raise LedgerError(f"delta must be in [0, 1), got {delta!r}")


def _epsilon(value: float | None) -> str:
    return "more than any epsilon at that delta" if value is None else f"epsilon {reported(value):g}"


def _down(value: float) -> float:
    """What is left, at two decimals, rounded down."""
    return math.floor(round(value * 100, 9)) / 100
