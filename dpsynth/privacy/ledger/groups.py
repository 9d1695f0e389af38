"""Groups of populations that share patients: one sum and one cap for all of them.

    .groups/NAME    a chain of its own, with the entries "group" (its populations) and "cap"

A population is in one group at most, for good. Both chains say so: the group's first, then the
population's ("member"). A crash between them leaves a population that is counted already and
whose own chain does not know it; a group whose chain was removed is missed by its populations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dpsynth.privacy.ledger.chain import Chain, Entry

GENESIS = "group {}"  # what a group's chain is called, so that it passes for no population's


@dataclass(frozen=True)
class Groups:
    """All groups of a ledger. Every method expects the ledger's lock to be held.

    Attributes:
        root: their folder; no population's name begins with a dot.
    """

    root: Path

    def names(self) -> list[str]:
        """Names of all groups, sorted."""
        if not self.root.is_dir():
            return []
        return sorted(f.name for f in self.root.iterdir() if self.chain(f.name).exists())

    def chain(self, name: str) -> Chain:
        """A group's own chain."""
        return Chain(self.root / name, GENESIS.format(name))

    def read(self) -> dict[str, tuple[Entry, ...]]:
        """Entries of every group, checked."""
        return {name: self.chain(name).read().entries for name in self.names()}

    def add(self, name: str, populations: Sequence[str]) -> None:
        """Write populations into a group's own chain; make it if it is new."""
        chain = self.chain(name)
        if not chain.exists():
            chain.create()
        found = chain.read()
        known = [each for e in found.entries if e.type == "group" for each in e.body["populations"]]
        if fresh := [each for each in dict.fromkeys(populations) if each not in known]:
            chain.append("group", {"populations": fresh}, found)
