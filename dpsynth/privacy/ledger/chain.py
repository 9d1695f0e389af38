"""One population's entries: an append-only file in which each line holds the hash of the last.

    entries.jsonl   one JSON object a line: number, time, type, body, previous, hash
    head.json       how many entries are confirmed, and the hash of the last of them

An append writes the line, flushes it, and only then moves the head; the caller asks nothing of
the data before that. So what is found on opening means:

| found | it was | what happens |
|---|---|---|
| a whole line past the head, rightly chained | a crash before the head moved | it counts |
| torn bytes past the head | a crash in mid-write, not confirmed | the next writer cuts and logs |
| fewer lines than the head says | a removed tail | refused |
| a line up to the head against its hashes | an edit, a removal, a new order | refused, named |

What the chain does not protect: whoever has the files and this code can write the whole chain
anew, and the head with it, or delete a population. What catches that is outside: each published
privacy card holds a salted hash of the head of its day (`Ledger.salted_head`), and a rewritten
chain no longer contains it (`Ledger.find_head`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dpsynth.errors import LedgerError
from dpsynth.privacy.ledger import durable

VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the ledger.

    Attributes:
        number: place in the chain, from 1; this is the order, whatever the clock said.
        time: UTC, ISO 8601, for the reader only.
        type: "join", "reserve", "resume", "finish", "unprotected", "cap", "member" or
            "repaired"; in a group's chain "group" or "cap".
        body: what was written down.
        previous: hash of the entry before (of the population's name for the first).
        hash: SHA-256 of all of the above as canonical JSON.
    """

    number: int
    time: str
    type: str
    body: Mapping[str, Any]
    previous: str
    hash: str


@dataclass(frozen=True, kw_only=True)
class Found:
    """What stands in the file: entries in order, and torn bytes after byte `size`."""

    entries: tuple[Entry, ...]
    size: int
    torn: int


def canonical(value: Mapping[str, Any]) -> bytes:
    """JSON of which there is only one spelling: sorted keys, no spaces, no NaN."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    ).encode()


def genesis(population: str) -> str:
    """What the first entry chains to, so that no chain passes for another population's."""
    return hashlib.sha256(f"dpsynth-ledger/{VERSION} {population}".encode()).hexdigest()


def seal(number: int, kind: str, body: Mapping[str, Any], previous: str) -> tuple[Entry, bytes]:
    """Return the entry and its line."""
    content: dict[str, Any] = {
        "number": number,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "type": kind,
        "body": dict(body),
        "previous": previous,
    }
    content["hash"] = hashlib.sha256(canonical(content)).hexdigest()
    line = canonical(content)
    return Entry(**json.loads(line)), line + b"\n"


def unseal(line: bytes, number: int, previous: str) -> Entry | None:
    """Return the entry that a line holds, or none if one byte of it is not as it was written."""
    try:
        content = json.loads(line)
        entry = Entry(**content)
        claimed = content.pop("hash")
        right = hashlib.sha256(canonical(content)).hexdigest() == claimed
        spelled = canonical({**content, "hash": claimed}) == line
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    fits = entry.number == number and type(entry.number) is int and entry.previous == previous
    return entry if right and spelled and fits else None


@dataclass(frozen=True)
class Chain:
    """The two files of one population. Every method expects the ledger's lock to be held."""

    folder: Path
    population: str

    @property
    def path(self) -> Path:
        """The entries."""
        return self.folder / "entries.jsonl"

    @property
    def head_path(self) -> Path:
        """How many entries are confirmed."""
        return self.folder / "head.json"

    def exists(self) -> bool:
        """Whether anything of this population is here."""
        return self.head_path.exists() or self.path.exists()

    def create(self) -> None:
        """Start an empty chain; a head from the first moment tells a removed one from a new one."""
        with durable.writing(self.folder):
            durable.make_folder(self.folder)
            head = self._head_bytes(0, genesis(self.population))
            durable.replace(durable.prepare(self.head_path, head), self.head_path)

    def read(self) -> Found:
        """Return every entry, checked.

        Raises:
            LedgerError: naming the first line that was edited, removed or moved.
        """
        count, head = self._head()
        try:
            data = self.path.read_bytes() if self.path.exists() else b""
        except OSError as error:
            raise LedgerError(f"can't read the ledger {self.path}: {error.strerror}") from error
        entries, size = self._entries(data)
        if len(entries) < count:
            lines = data.count(b"\n")
            what = (
                f"has {lines} whole lines, and its head confirmed {count}: lines were removed"
                if lines == len(entries)
                else f"was changed at line {len(entries) + 1}: edited, removed or moved"
            )
            raise LedgerError(
                f"the ledger {self.path} {what}; restore it from a backup: until then "
                f"nothing more can be asked of population {self.population!r}"
            )
        confirmed = entries[count - 1].hash if count else genesis(self.population)
        if confirmed != head:
            raise LedgerError(
                f"the ledger {self.path} was changed: line {count} is not the one that "
                f"{self.head_path.name} confirmed; restore both from a backup"
            )
        return Found(entries=entries, size=size, torn=len(data) - size)

    def append(self, kind: str, body: Mapping[str, Any], found: Found | None = None) -> Entry:
        """Write an entry after the last one, mending what a crash tore off first.

        Guarantee:
            When this returns, the entry and its place in the folder are on the disk and the
            head confirms them. When it raises, the chain is valid and holds every confirmed
            entry; the new one may or may not be in it.
        """
        found = found or self.read()
        if found.torn:
            with durable.writing(self.path):
                durable.cut(self.path, found.size)
            found = self._put("repaired", {"bytes": found.torn}, found)
        return self._put(kind, body, found).entries[-1]

    def _put(self, kind: str, body: Mapping[str, Any], found: Found) -> Found:
        count = len(found.entries)
        previous = found.entries[-1].hash if count else genesis(self.population)
        entry, line = seal(count + 1, kind, body, previous)
        with durable.writing(self.path):
            # A full disk shows here, before the line is written.
            fresh = durable.prepare(self.head_path, self._head_bytes(entry.number, entry.hash))
            durable.append(self.path, line)
            durable.sync_folder(self.folder)
            durable.replace(fresh, self.head_path)
        return Found(entries=(*found.entries, entry), size=found.size + len(line), torn=0)

    def _entries(self, data: bytes) -> tuple[tuple[Entry, ...], int]:
        """Return the entries up to the first line that does not fit, and where that starts."""
        entries: list[Entry] = []
        size, previous = 0, genesis(self.population)
        for line in data.split(b"\n")[:-1]:
            entry = unseal(line, len(entries) + 1, previous)
            if entry is None:
                break
            entries.append(entry)
            size, previous = size + len(line) + 1, entry.hash
        return tuple(entries), size

    def _head_bytes(self, count: int, head: str) -> bytes:
        return canonical({"version": VERSION, "count": count, "hash": head}) + b"\n"

    def _head(self) -> tuple[int, str]:
        try:
            data = self.head_path.read_bytes()
            head = json.loads(data)
            version, count, last = head["version"], head["count"], head["hash"]
            spelled = data == canonical(head) + b"\n" and type(count) is int and count >= 0
        except OSError as error:
            raise LedgerError(
                f"the ledger's head {self.head_path} can't be read: {error.strerror}; "
                "restore it from a backup"
            ) from error
        except (ValueError, TypeError, KeyError, RecursionError):
            spelled, version, count, last = False, VERSION, 0, ""
        if version != VERSION:
            raise LedgerError(
                f"the ledger {self.folder} is of version {version!r}; this code reads {VERSION}"
            )
        if not spelled:
            raise LedgerError(
                f"the ledger's head {self.head_path} was changed; restore it from a backup"
            )
        return count, last
