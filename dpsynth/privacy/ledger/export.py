"""The ledger as one JSON file for an auditor, who checks it without the ledger.

It holds every entry as it was written, so that hashes can be computed anew and the salted head on
each published card be found again. No path, no secret and nothing of a patient's record is in it;
files are known by name and by a keyed fingerprint, which tells nobody without the ledger's secret
anything. It is not for publication: with hashes in hand, cards of one population can be linked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import ValidationError

from dpsynth import __version__
from dpsynth.errors import InputError, LedgerError
from dpsynth.privacy.card.words import Count, Delta, Epsilon, Hash, OneOrMore, Section, Words
from dpsynth.privacy.ledger import durable
from dpsynth.privacy.ledger.book import Ledger
from dpsynth.privacy.ledger.chain import Entry, canonical, genesis, unseal
from dpsynth.privacy.ledger.groups import GENESIS
from dpsynth.privacy.ledger.scopes import Chains

FORMAT: Final = "dpsynth-ledger-export/1"
SCHEMA_URL = "urn:dpsynth:ledger-export:1"
SCHEMA_FILE = Path(__file__).with_name("export.schema.json")


class Line(Section):
    """An entry, as `chain.Entry` says."""

    number: OneOrMore
    time: Words
    type: Words
    body: dict[str, Any]
    """What was written down; a "reserve" entry has the run's epsilon, delta, plan and curve."""
    previous: Hash
    """Of the entry before; of the chain's name for the first."""
    hash: Hash
    """SHA-256 of all other fields as JSON with sorted keys and without spaces."""


class Sums(Section):
    """What all runs come to, as `sums.Spent` says."""

    epsilon: Epsilon
    delta: Epsilon
    """Sums over all runs (basic composition)."""
    runs: Count
    unprotected: Count
    """Accesses without protection, which no sum covers."""
    adaptive_epsilon: Epsilon | None
    """At `at_delta`, however runs were chosen after seeing the last (Renyi filter), if `firm`."""
    at_delta: Epsilon
    cap_epsilon: Epsilon | None
    cap_delta: Delta | None
    left: Epsilon | None
    firm: bool
    """Whether one cap has held since before the first run."""


class Part(Section):
    """A population or a group."""

    populations: tuple[Words, ...]
    """Whose runs add up: itself, or all populations of the group."""
    head: Hash
    """Hash of the last entry; of the chain's name if there is none."""
    spent: Sums
    entries: tuple[Line, ...]


class Export(Section):
    """A whole ledger, or some populations with all that adds up with them."""

    format: Literal["dpsynth-ledger-export/1"] = FORMAT
    made: Words
    """UTC, ISO 8601."""
    code_version: Words
    populations: dict[str, Part]
    groups: dict[str, Part]


def export(ledger: Ledger, path: Path, names: Sequence[str] = ()) -> Export:
    """Check the chains and write them to a new file.

    Args:
        ledger: to be read.
        path: of the file, ending in .json; an existing one is refused.
        names: of populations and groups; none for all.

    Raises:
        LedgerError: if a chain was changed, or there is no such name.
        InputError: if the file can't be written.
    """
    if path.exists() or path.suffix != ".json":
        raise InputError(f"the export must be a new file that ends in .json, got {path}")
    every = [*ledger.populations(), *ledger.groups()]
    chains = ledger.chains(names or every)
    wanted = {each: e for each, e in chains.groups.items() if each in (names or every)}
    wanted |= {
        group: chains.groups[group]
        for group in map(chains.group_of, chains.populations)
        if group is not None
    }
    found = Export(
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        code_version=__version__,
        populations={name: _part(chains, name, genesis(name)) for name in chains.populations},
        groups={name: _part(chains, name, genesis(GENESIS.format(name))) for name in wanted},
    )
    text = found.model_dump_json(indent=1) + "\n"
    try:
        durable.publish(path, text.encode())
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror}") from error
    return found


def check(path: Path) -> Export:
    """Check an export anywhere: every hash, every sum, and that groups are whole.

    Raises:
        InputError: if it is no export.
        LedgerError: naming the first part that is not as it was written.
    """
    try:
        content = json.loads(path.read_bytes())
        found = Export.model_validate_json(canonical(content))
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}") from error
    except (ValidationError, ValueError, RecursionError) as error:
        raise InputError(f"{path} is no export of a ledger (of this version)") from error
    chains = Chains(
        {name: _unsealed(name, part, name) for name, part in found.populations.items()},
        {
            name: _unsealed(f"group {name}", part, GENESIS.format(name))
            for name, part in found.groups.items()
        },
    )
    parts: Mapping[str, Part] = {**found.populations, **found.groups}
    for name, part in parts.items():
        if name in chains.groups and not set(chains.members(name)) <= set(chains.populations):
            raise LedgerError(f"group {name!r} is not whole in this export")
        if name in chains.populations:
            chains.group_of(name)
        said = part.model_copy(update={"entries": ()})
        if _part(chains, name, part.head).model_copy(update={"entries": ()}) != said:
            raise LedgerError(f"the sums of {name!r} are not those of its entries")
    return found


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (Draft 2020-12); `export.schema.json` is its copy."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_URL,
        **Export.model_json_schema(mode="serialization"),
    }


def _part(chains: Chains, name: str, start: str) -> Part:
    group = name in chains.groups
    entries = chains.groups[name] if group else chains.populations[name]
    return Part(
        populations=tuple(chains.members(name)) if group else (name,),
        head=entries[-1].hash if entries else start,
        spent=Sums(**asdict(chains.own(name).spent())),
        entries=tuple(Line(**{**asdict(e), "body": dict(e.body)}) for e in entries),
    )


def _unsealed(words: str, part: Part, chain: str) -> list[Entry]:
    """The entries, each with its own hash and that of the one before."""
    entries: list[Entry] = []
    previous = genesis(chain)
    for number, line in enumerate(part.entries, 1):
        entry = unseal(canonical(line.model_dump()), number, previous)
        if entry is None:
            raise LedgerError(f"{words} was changed at entry {number}")
        entries.append(entry)
        previous = entry.hash
    if part.head != previous:
        raise LedgerError(f"the head of {words} is not its last entry's hash")
    return entries
