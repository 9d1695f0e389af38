"""What a command prints: for people on stdout, for machines one object, internal on stderr."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import click

SHOUT = (
    "INSECURE SEED: whoever knows the seed can take the noise off, and then no promise holds. "
    "NEVER RELEASE."
)


def print_json(facts: Mapping[str, Any]) -> None:
    """One JSON object on stdout."""
    click.echo(json.dumps(facts, ensure_ascii=False, allow_nan=False, default=str))


def finish(
    facts: Mapping[str, Any], lines: Iterable[str], *, as_json: bool, insecure: bool = False
) -> None:
    """The end of a command: its one object, or its lines.

    Args:
        facts: for machines; public ones, and no count of patients' rows.
        lines: for people.
        as_json: which of the two.
        insecure: whether a known seed was used; said in either, and on stderr.
    """
    if insecure:
        click.echo(SHOUT, err=True)
    if as_json:
        print_json({**facts, **({"insecure_seed": True, "warning": SHOUT} if insecure else {})})
        return
    for line in [SHOUT, *lines, SHOUT] if insecure else lines:
        click.echo(line)


def internal(lines: Iterable[str]) -> None:
    """What follows from patients' rows: for the steward's terminal only."""
    for line in lines:
        click.echo(f"internal: {one_line(line)}", err=True)


def one_line(text: str) -> str:
    """Text without line breaks or control letters, which a file's name may hold."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
