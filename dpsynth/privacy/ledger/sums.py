"""What one run reserved, and what all runs on the same patients come to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dpsynth.errors import LedgerError
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
    """What all runs on the same patients have reserved, added up.

    Guarantee:
        Everything that the runs released is together (epsilon, delta)-DP by basic composition,
        even where a run was chosen after seeing the last one's answers; and if `firm`, also
        (adaptive_epsilon, at_delta)-DP by the filter (see `ledger.filter`), with the same words.
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
        firm: whether one cap has held since before the first run.
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
    firm: bool = False


def check_budget(epsilon: float, delta: float) -> None:
    """Refuse what can't be added up."""
    if not (math.isfinite(epsilon) and epsilon >= 0):
        raise LedgerError(
            f"epsilon must be a finite number of at least 0, got {epsilon!r}; a run without "
            "privacy is an unprotected access, not a reservation"
        )
    if not 0 <= delta < 1:
        raise LedgerError(f"delta must be in [0, 1), got {delta!r}")
