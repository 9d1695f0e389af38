"""Whose spending adds up: a population's, or that of a group of populations that share patients."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dpsynth.errors import BudgetError, LedgerError
from dpsynth.privacy.budget import reported
from dpsynth.privacy.ledger import filter as privacy_filter
from dpsynth.privacy.ledger.chain import Entry
from dpsynth.privacy.ledger.filter import CHANCES, Cost, added, chances
from dpsynth.privacy.ledger.sums import Spent


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

    def spent(self, asked: Sequence[Cost] = ()) -> Spent:
        """What all of it comes to, with what is asked besides."""
        costs, cap = (*self.costs, *asked), self.caps[-1].body if self.caps else None
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
            firm=self.firm,
        )

    @property
    def firm(self) -> bool:
        """Whether one cap has held since before the first run: then the filter's sum is a promise.

        False where it can't be told: a group's cap and its populations' runs stand in chains of
        their own, and clocks do not order them.
        """
        runs = [e.number for e in self.entries if e.type == "reserve"]
        if not self.caps or not all(cap in self.entries for cap in self.caps):
            return False
        same = all(cap.body == self.caps[0].body for cap in self.caps)
        return same and self.caps[0].number < min(runs, default=math.inf)

    def check(self, *asked: Cost) -> None:
        """Refuse runs, one after the other, of which one would pass the cap.

        Raises:
            BudgetError: saying what is spent, what they ask, and what is left.
        """
        now = self.spent()
        if now.cap_epsilon is None or now.left is None:
            return
        total, costs = 0.0, list(self.costs)
        for each in asked:
            total = max(total, privacy_filter.together(costs, each, now.at_delta))
            costs.append(each)
        if total <= now.cap_epsilon:
            return
        makes = f"which makes epsilon {reported(total):g}"
        if math.isinf(total):
            makes = "for which the cap's delta is too small"
        spent = "more" if now.adaptive_epsilon is None else f"{reported(now.adaptive_epsilon):g}"
        raise BudgetError(
            f"{self.words} has spent epsilon {spent} of its cap epsilon {now.cap_epsilon:g}, "
            f"delta {now.at_delta:g}; {_asking(asked)}, {makes}, and epsilon "
            f"{_down(now.left):g} is left: ask for less, or raise the cap knowingly"
        )


@dataclass(frozen=True)
class Chains:
    """Entries of populations and groups, as far as they were read.

    Attributes:
        populations: by name; of each group all of its populations.
        groups: every group of the ledger.
    """

    populations: Mapping[str, Sequence[Entry]]
    groups: Mapping[str, Sequence[Entry]]

    def members(self, group: str) -> list[str]:
        """Populations of a group, in the order in which they came."""
        entries = self.groups[group]
        return [each for e in entries if e.type == "group" for each in e.body["populations"]]

    def group_of(self, population: str) -> str | None:
        """The group that a population is in, or none.

        Raises:
            LedgerError: if the population says that it is in a group that does not know it.
        """
        found = next((g for g in self.groups if population in self.members(g)), None)
        entries = self.populations.get(population, ())
        said = next((e.body["group"] for e in entries if e.type == "member"), None)
        if said not in (None, found):
            raise LedgerError(
                f"population {population!r} is in group {said!r}, whose part of the ledger was "
                "removed or changed; restore it from a backup: until then nothing more can be "
                f"asked of population {population!r}"
            )
        return found

    def own(self, name: str) -> Scope:
        """What adds up under a name: a population's entries, or those of all a group's."""
        if name in self.groups:
            parts = [self.populations[each] for each in self.members(name)]
            entries = [entry for part in parts for entry in part]
            return _scope(f"group {name!r}", entries, self.groups[name])
        return _scope(f"population {name!r}", self.populations[name], self.populations[name])

    def widening(self, population: str) -> list[Scope]:
        """The population, and then its group if it has one: each may have a cap of its own."""
        group = self.group_of(population)
        return [self.own(name) for name in (population, group) if name is not None]


def _scope(words: str, entries: Sequence[Entry], capped: Sequence[Entry]) -> Scope:
    caps = tuple(e for e in capped if e.type == "cap")
    return Scope(words=words, entries=tuple(entries), caps=caps)


def _asking(asked: Sequence[Cost]) -> str:
    """What runs ask, in words."""
    epsilon, delta = added([each.epsilon for each in asked]), added([each.delta for each in asked])
    who = "this run asks" if len(asked) == 1 else f"{len(asked)} runs together ask"
    return f"{who} epsilon {epsilon:g}, delta {delta:g}"


def _down(value: float) -> float:
    """What is left, at two decimals, rounded down."""
    return math.floor(round(value * 100, 9)) / 100
