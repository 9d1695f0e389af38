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
import hmac
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from dpsynth.errors import LedgerError
from dpsynth.privacy.ledger import durable, prints
from dpsynth.privacy.ledger.chain import Chain, Entry
from dpsynth.privacy.ledger.filter import Cost
from dpsynth.privacy.ledger.groups import Groups
from dpsynth.privacy.ledger.names import check_free, check_name
from dpsynth.privacy.ledger.scopes import Chains, Scope
from dpsynth.privacy.ledger.sums import Reservation, Spent, check_budget
from dpsynth.privacy.renyi import Renyi


def default_root() -> Path:
    """`$DPSYNTH_LEDGER`, or the user's data folder."""
    if chosen := os.environ.get("DPSYNTH_LEDGER"):
        return Path(chosen).expanduser()
    data = os.environ.get("XDG_DATA_HOME") or ""
    base = Path(data) if Path(data).is_absolute() else Path.home() / ".local" / "share"
    return base / "dpsynth" / "ledger"


class Ledger:
    """Every population's chain under one folder, which only its owner may read."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = default_root() if root is None else Path(root)

    # --- which patients -------------------------------------------------------------

    def populations(self) -> list[str]:
        """Names of all populations, sorted."""
        if not self.root.is_dir():
            return []
        folders = (f for f in self.root.iterdir() if f.is_dir())
        return sorted(f.name for f in folders if Chain(f, f.name).exists())

    def join(self, population: str, files: Sequence[Path]) -> None:
        """Write down that these files hold patients of the population; make it if it is new.

        Raises:
            LedgerError: if the name is no plain word, or a file already belongs to another
                population (a second name would give the same patients a second budget).
        """
        check_name(population)
        with self._alone():
            secret = self._secret()
        marks = [prints.fingerprint(Path(file), secret) for file in files]
        with self._alone():
            known = self._known()
            check_free(population, "population", self.populations(), self._groups.names())
            fresh = []
            for file, mark in zip(files, marks, strict=True):
                others = sorted(known.get(mark, set()) - {population})
                if others:
                    raise LedgerError(
                        f"{file} already belongs to population {others[0]!r}; its patients have "
                        f"one budget: use --population {others[0]}"
                    )
                if population not in known.get(mark, set()):
                    fresh.append({"name": Path(file).name, "print": mark})
            chain = self._chain(population)
            if not chain.exists():
                chain.create()
            if fresh:
                chain.append("join", {"files": fresh})

    def population_of(self, files: Sequence[Path]) -> str:
        """Return the population that all the files belong to.

        Raises:
            LedgerError: if a file is unknown, or two files belong to different populations.
        """
        known: dict[str, set[str]] = {}
        marks: list[str] = []
        if self.populations():
            with self._together():
                secret, known = prints.load_secret(self._secret_path), self._known()
            marks = [prints.fingerprint(Path(f), secret) for f in files]
        owners = [known.get(mark, set()) for mark in marks] or [set() for _ in files]
        names = sorted(set().union(*owners))
        strangers = [str(f) for f, owner in zip(files, owners, strict=True) if not owner]
        if len(names) > 1:
            raise LedgerError(
                f"these files belong to different populations ({', '.join(names)}); "
                "run each population on its own"
            )
        if strangers or not names:
            cure = names[0] if names else "NAME"
            raise LedgerError(
                f"the ledger does not know {', '.join(strangers) or 'any file'}: name the group "
                f"of patients that the data belong to with --population {cure}"
            )
        return names[0]

    def group(self, name: str, populations: Sequence[str]) -> None:
        """Write down that these populations share patients: from now on they add up.

        Args:
            name: of the group; it is made if it is new, and else grows.
            populations: each in no other group.

        Raises:
            LedgerError: if a name is taken or unknown, or a population is in another group.
        """
        check_name(name)
        with self._alone():
            check_free(name, "group", self._groups.names(), self.populations())
            for each in populations:
                other = self._chains(each).group_of(each)
                if other not in (None, name):
                    raise LedgerError(
                        f"population {each!r} is in group {other!r} already, which it never "
                        "leaves: add the others to that group"
                    )
            self._groups.add(name, populations)
            for chain in (self._chain(each) for each in populations):
                if not any(e.type == "member" for e in chain.read().entries):
                    chain.append("member", {"group": name})

    def groups(self) -> dict[str, list[str]]:
        """Populations by group."""
        with self._together():
            found = Chains({}, self._groups.read())
            return {name: found.members(name) for name in found.groups}

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

    def spent(self, population: str) -> Spent:
        """Add up every reservation on these patients: of the whole group, if there is one."""
        with self._together():
            return self._chains(population).widening(population)[-1].spent()

    def derived_secret(self, population: str, purpose: str) -> bytes:
        """32 bytes that only this ledger can make, the same at every call.

        For keyed hashes over a population's patients, such as who is held out.
        """
        check_name(population)
        with self._alone():
            secret = self._secret()
        return hmac.digest(secret, f"{purpose}\0{population}".encode(), hashlib.sha256)

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

    # --- inside ---------------------------------------------------------------------

    @property
    def _secret_path(self) -> Path:
        return self.root / ".secret"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with durable.writing(self.root):
            durable.make_folder(self.root)
        with durable.locked(self.root / ".lock"):
            yield

    @contextmanager
    def _together(self) -> Iterator[None]:
        if not self.root.is_dir():
            yield
            return
        with durable.locked(self.root / ".lock", shared=True):
            yield

    def _secret(self) -> bytes:
        if not self._secret_path.exists() and not self.populations():
            prints.make_secret(self._secret_path)
        return prints.load_secret(self._secret_path)

    def _chain(self, population: str) -> Chain:
        return Chain(self.root / population, population)

    @property
    def _groups(self) -> Groups:
        return Groups(self.root / ".groups")

    def _named(self, name: str) -> Chain:
        """The chain of a group or of a population."""
        return self._groups.chain(name) if name in self._groups.names() else self._existing(name)

    def _chains(self, name: str) -> Chains:
        """A population or group, with all that adds up with it, and every group."""
        groups = Chains({}, self._groups.read())
        group = name if name in groups.groups else groups.group_of(name)
        names = [name] if group is None else groups.members(group)
        return Chains({n: self._existing(n).read().entries for n in names}, groups.groups)

    def _existing(self, population: str) -> Chain:
        check_name(population)
        chain = self._chain(population)
        if not chain.exists():
            names = ", ".join(self.populations()) or "none"
            raise LedgerError(
                f"the ledger {self.root} has no population {population!r} (it has: {names}); "
                "a population is made when its first file joins"
            )
        return chain

    def _known(self) -> dict[str, set[str]]:
        """Populations by fingerprint. A file in two of them can't come from `join`."""
        known: dict[str, set[str]] = {}
        for name in self.populations():
            for entry in self._chain(name).read().entries:
                for file in entry.body["files"] if entry.type == "join" else ():
                    known.setdefault(file["print"], set()).add(name)
        return known


def _salted(salt: bytes, entry: Entry) -> str:
    return hashlib.sha256(salt + bytes.fromhex(entry.hash)).hexdigest()
