"""The ledger: what every run has spent on each population of patients.

A **population** is a group of patients that a steward names once; every version, extract and
refresh of their data joins it, because privacy is spent by patients and not by files. What is
written is never taken back: a run that failed or was abandoned has still asked its questions.

What this protects, and what it does not, is said in `dpsynth.privacy.ledger.chain`.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from dpsynth.errors import LedgerError
from dpsynth.privacy.ledger import durable, prints
from dpsynth.privacy.ledger.chain import Chain, Entry
from dpsynth.privacy.ledger.sums import Reservation, Spent, check_budget, check_cap

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


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
        _check_name(population)
        with self._alone():
            secret = self._secret()
        marks = [prints.fingerprint(Path(file), secret) for file in files]
        with self._alone():
            known = self._known()
            taken = {name.casefold(): name for name in self.populations()}
            if taken.get(population.casefold(), population) != population:
                raise LedgerError(
                    f"population {population!r} differs from {taken[population.casefold()]!r} "
                    "only by capitals; use that name"
                )
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

    # --- what is spent --------------------------------------------------------------

    def reserve(
        self, population: str, *, run: str, epsilon: float, delta: float, plan: Mapping[str, Any]
    ) -> Reservation:
        """Write down a run's whole plan; call it before the run's first question.

        Guarantee:
            When this returns, the reservation is on the disk. Nothing ever takes it back.

        Raises:
            LedgerError: if it can't be written, or the run is already there.
            BudgetError: if it would pass the population's cap.
        """
        check_budget(epsilon, delta)
        with self._alone():
            chain = self._existing(population)
            found = chain.read()
            if any(e.body["run"] == run for e in found.entries if e.type == "reserve"):
                raise LedgerError(
                    f"run {run!r} already has its budget in population {population!r}; "
                    "resume it or choose another run id"
                )
            check_cap(Spent.of(found.entries), population, epsilon, delta)
            body = {
                "run": run,
                "epsilon": float(epsilon),
                "delta": float(delta),
                "plan": dict(plan),
            }
            return Reservation.of(population, chain.append("reserve", body, found))

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

    def cap(self, population: str, *, epsilon: float, delta: float) -> None:
        """Set what may be spent on the population at most; the last cap holds."""
        check_budget(epsilon, delta)
        with self._alone():
            self._existing(population).append(
                "cap", {"epsilon": float(epsilon), "delta": float(delta)}
            )

    def spent(self, population: str) -> Spent:
        """Add up every reservation of the population."""
        return Spent.of(self.entries(population))

    def derived_secret(self, population: str, purpose: str) -> bytes:
        """32 bytes that only this ledger can make, the same at every call.

        For keyed hashes over a population's patients, such as who is held out.
        """
        _check_name(population)
        with self._alone():
            secret = self._secret()
        return hmac.digest(secret, f"{purpose}\0{population}".encode(), hashlib.sha256)

    # --- for auditors ---------------------------------------------------------------

    def transcript_path(self, run: str) -> Path:
        """Where the audit of a run keeps what it saw; no population's name begins so."""
        return self.root / ".audits" / f"{run}.jsonl"

    def entries(self, population: str) -> list[Entry]:
        """Return every entry in order, after checking the whole chain."""
        with self._together():
            return list(self._existing(population).read().entries)

    def verify(self, population: str) -> None:
        """Check the whole chain.

        Raises:
            LedgerError: naming the line that was edited, removed or moved.
        """
        self.entries(population)

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

    def _existing(self, population: str) -> Chain:
        _check_name(population)
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


def _check_name(population: str) -> None:
    if not NAME.fullmatch(population):
        raise LedgerError(
            "a population's name is 1 to 64 letters, digits, dots, dashes and underscores, "
            f"got {population!r}"
        )


def _salted(salt: bytes, entry: Entry) -> str:
    return hashlib.sha256(salt + bytes.fromhex(entry.hash)).hexdigest()
