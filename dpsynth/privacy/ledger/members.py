"""Which patients a file holds: populations know their files again, groups their populations."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from pathlib import Path

from dpsynth.errors import LedgerError
from dpsynth.privacy.ledger import prints
from dpsynth.privacy.ledger.names import check_free, check_name
from dpsynth.privacy.ledger.scopes import Chains
from dpsynth.privacy.ledger.store import Store


class Members(Store):
    """The part of the ledger that tells whose budget a file draws on."""

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

    def owners(self, files: Sequence[Path]) -> set[str]:
        """Populations that any of the files belongs to, or any file in a folder among them.

        A file out of a folder that joined as a whole is not known again.

        Raises:
            LedgerError: if the ledger can't tell: a chain is broken, or its secret is missing.
        """
        if not self.populations():
            return set()
        with self._together():
            secret, known = prints.load_secret(self._secret_path), self._known()
        parts = [p for each in files if each.is_dir() for p in each.rglob("*") if p.is_file()]
        marks = [prints.fingerprint(each, secret) for each in [*files, *parts]]
        return set().union(*(known.get(mark, set()) for mark in marks))

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

    def derived_secret(self, population: str, purpose: str) -> bytes:
        """32 bytes that only this ledger can make, the same at every call.

        For keyed hashes over a population's patients, such as who is held out.
        """
        check_name(population)
        with self._alone():
            secret = self._secret()
        return hmac.digest(secret, f"{purpose}\0{population}".encode(), hashlib.sha256)

    def _known(self) -> dict[str, set[str]]:
        """Populations by fingerprint. A file in two of them can't come from `join`."""
        known: dict[str, set[str]] = {}
        for name in self.populations():
            for entry in self._chain(name).read().entries:
                for file in entry.body["files"] if entry.type == "join" else ():
                    known.setdefault(file["print"], set()).add(name)
        return known
