"""The ledger: what every run has spent on each population of patients.

A **population** is a group of patients that a steward names once; every version, extract and
refresh of their data joins it, because privacy is spent by patients and not by files. Populations
that turn out to share patients make a **group**, with one sum and one cap. What is written is
never taken back: a run that failed or was abandoned has still asked its questions.

What a cap promises is said in `dpsynth.privacy.ledger.filter`; what this protects, and what it
does not, in `dpsynth.privacy.ledger.chain`.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from dpsynth.errors import LedgerError
from dpsynth.privacy.ledger.chain import Entry
from dpsynth.privacy.ledger.filter import Cost
from dpsynth.privacy.ledger.members import Members
from dpsynth.privacy.ledger.scopes import Chains, Scope
from dpsynth.privacy.ledger.sums import Reservation, Spent, check_budget
from dpsynth.privacy.renyi import Renyi


class Ledger(Members):
    """Every population's chain under one folder, which only its owner may read."""

    # --- what is spent --------------------------------------------------------------

    def reserve(
        self,
        population: str,
        *,
        run: str,
        epsilon: float,
        delta: float,
        plan: Mapping[str, Any],
        renyi: Renyi | None = None,
    ) -> Reservation:
        """Write down a run's whole plan; call it before the run's first question.

        Guarantee:
            When this returns, the reservation is on the disk. Nothing ever takes it back.

        Args:
            population: whose patients are asked.
            run: its id.
            epsilon, delta: of the whole plan.
            plan: the questions.
            renyi: the plan's curve; without it a cap counts epsilon and delta by addition.

        Raises:
            LedgerError: if it can't be written, or the run is already there.
            BudgetError: if it would pass the cap of the population or of its group.
        """
        check_budget(epsilon, delta)
        asked = Cost(epsilon=float(epsilon), delta=float(delta), renyi=renyi)
        with self._alone():
            chain = self._existing(population)
            found = chain.read()
            if any(e.body["run"] == run for e in found.entries if e.type == "reserve"):
                raise LedgerError(
                    f"run {run!r} already has its budget in population {population!r}; "
                    "resume it or choose another run id"
                )
            for scope in self._chains(population).widening(population):
                scope.check(asked)
            body = {
                "run": run,
                "epsilon": asked.epsilon,
                "delta": asked.delta,
                "plan": dict(plan),
            }
            if renyi is not None:
                body["renyi"] = renyi.public()
            return Reservation.of(population, chain.append("reserve", body, found))

    def check(self, population: str, *asked: Cost) -> None:
        """Refuse runs that a cap does not hold, before any data are read; writes nothing.

        What counts is `reserve`: another run may come between.

        Raises:
            BudgetError: if it would pass the cap of the population or of its group.
        """
        with self._together():
            for scope in self._chains(population).widening(population):
                scope.check(*asked)

    def resume(self, population: str, *, run: str) -> Reservation:
        """Take up a run again; what it may ask is what it reserved, and no more.

        Raises:
            LedgerError: if the run has no reservation or was finished.
        """
        with self._alone():
            chain = self._existing(population)
            found = chain.read()
            about = [e for e in found.entries if e.body.get("run") == run]
            reserved = next((e for e in about if e.type == "reserve"), None)
            if reserved is None:
                raise LedgerError(
                    f"run {run!r} has no budget in population {population!r}; "
                    "it was made with another ledger or never started"
                )
            ended = next((e.body["status"] for e in about if e.type == "finish"), None)
            if ended is not None:
                raise LedgerError(f"run {run!r} is {ended}; start a new run with its own budget")
            resumes = 1 + sum(e.type == "resume" for e in about)
            chain.append("resume", {"run": run, "resumes": resumes}, found)
            return Reservation.of(population, reserved, resumes)

    def finish(
        self, population: str, *, run: str, status: Literal["finished", "abandoned"]
    ) -> None:
        """Write down how a run ended. This gives no budget back.

        Raises:
            LedgerError: if the run has no reservation or has ended already.
        """
        with self._alone():
            chain = self._existing(population)
            found = chain.read()
            types = {e.type for e in found.entries if e.body.get("run") == run}
            if "reserve" not in types:
                raise LedgerError(f"run {run!r} has no budget in population {population!r}")
            if "finish" in types:
                raise LedgerError(f"run {run!r} has ended already")
            chain.append("finish", {"run": run, "status": status}, found)

    def unprotected(
        self, population: str, *, run: str | None, purpose: str, report: str | None = None
    ) -> None:
        """Write down an internal access to real records that no guarantee covers.

        Args:
            population: whose records.
            run: the run that it belongs to, or none.
            purpose: in words.
            report: id of the internal report that comes of it, by which a release knows it again.
        """
        with self._alone():
            more = {"run": run, "report": report}
            body = {"purpose": purpose} | {k: v for k, v in more.items() if v is not None}
            self._existing(population).append("unprotected", body)

    def cap(self, name: str, *, epsilon: float, delta: float) -> None:
        """Set what may be spent on a population or a group at most; the last cap holds.

        Raises:
            LedgerError: if there is neither of that name, or it can't be written.
        """
        check_budget(epsilon, delta)
        with self._alone():
            self._named(name).append("cap", {"epsilon": float(epsilon), "delta": float(delta)})

    def scope(self, name: str) -> Scope:
        """What adds up under a name: a population's own entries, or all of a group's."""
        with self._together():
            return self._chains(name).own(name)

    def spent(self, population: str, asked: Sequence[Cost] = ()) -> Spent:
        """Add up every reservation on these patients: of the whole group, if there is one.

        Args:
            population: whose patients.
            asked: counted as if they were reserved too; nothing is written.
        """
        with self._together():
            return self._chains(population).widening(population)[-1].spent(asked)

    # --- for auditors ---------------------------------------------------------------

    def transcript_path(self, run: str) -> Path:
        """Where the audit of a run keeps what it saw; no population's name begins so."""
        return self.root / ".audits" / f"{run}.jsonl"

    def entries(self, name: str) -> list[Entry]:
        """Return every entry of a population or a group, after checking the whole chain."""
        with self._together():
            return list(self._named(name).read().entries)

    def chains(self, names: Sequence[str]) -> Chains:
        """Every entry of populations and groups, and of what adds up with them, at one moment."""
        with self._together():
            parts = [self._chains(name) for name in names]
        return Chains(
            {name: part.populations[name] for part in parts for name in part.populations},
            {name: part.groups[name] for part in parts for name in part.groups},
        )

    def verify(self, name: str) -> None:
        """Check the whole chain of a population or a group, and of what adds up with it.

        Raises:
            LedgerError: naming the line that was edited, removed or moved.
        """
        with self._together():
            found = self._chains(name)
            for each in found.populations:
                found.group_of(each)

    def salted_head(self, population: str, salt: bytes | None = None) -> tuple[str, str]:
        """Return (salt, SHA-256 of salt and head) in hex, for a published card.

        The head itself stays here: with it, two cards of one population could be linked.
        """
        entries = self.entries(population)
        if not entries:
            raise LedgerError(f"population {population!r} has no entries yet")
        salt = secrets.token_bytes(32) if salt is None else salt
        return salt.hex(), _salted(salt, entries[-1])

    def find_head(self, population: str, salt: str, digest: str) -> int | None:
        """Return the number of the entry that a published card commits to.

        None means that the chain was written anew since, or that the card is of another one.
        """
        raw = bytes.fromhex(salt)
        return next((e.number for e in self.entries(population) if _salted(raw, e) == digest), None)


def _salted(salt: bytes, entry: Entry) -> str:
    return hashlib.sha256(salt + bytes.fromhex(entry.hash)).hexdigest()
