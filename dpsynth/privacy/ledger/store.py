"""Where the ledger lies: one chain a population below one folder, locks, and the secret."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dpsynth.errors import LedgerError
from dpsynth.privacy.ledger import durable, prints
from dpsynth.privacy.ledger.chain import Chain
from dpsynth.privacy.ledger.groups import Groups
from dpsynth.privacy.ledger.names import check_name
from dpsynth.privacy.ledger.scopes import Chains


def default_root() -> Path:
    """`$DPSYNTH_LEDGER`, or the user's data folder."""
    if chosen := os.environ.get("DPSYNTH_LEDGER"):
        return Path(chosen).expanduser()
    data = os.environ.get("XDG_DATA_HOME") or ""
    base = Path(data) if Path(data).is_absolute() else Path.home() / ".local" / "share"
    return base / "dpsynth" / "ledger"


class Store:
    """Every population's chain under one folder, which only its owner may read.

    Every method with an underscore expects the lock to be held, but for the two that take it.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = default_root() if root is None else Path(root)

    def populations(self) -> list[str]:
        """Names of all populations, sorted."""
        if not self.root.is_dir():
            return []
        folders = (f for f in self.root.iterdir() if f.is_dir())
        return sorted(f.name for f in folders if Chain(f, f.name).exists())

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
