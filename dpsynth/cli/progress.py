"""Progress on stderr: a bar on a terminal, elsewhere a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from dpsynth.models.base import Progress as Report

SOON = 2.0  # seconds without a word
OFTEN = 15.0  # seconds between lines


class Lines:
    """A line when a stage has taken a while; public numbers only."""

    def __init__(self) -> None:
        self._next = time.monotonic() + SOON

    def __call__(self, stage: str, done: int, of: int) -> None:
        """Report, if it is time."""
        now = time.monotonic()
        if now >= self._next and done < of and of > 1:
            self._next = now + OFTEN
            click.echo(f"{stage}: {done:,} of {of:,}", err=True)


class Bars:
    """One bar for each stage."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._stages: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, of: int) -> None:
        """Move the stage's bar."""
        if stage not in self._stages:
            self._stages[stage] = self._bars.add_task(stage, total=of)
        self._bars.update(self._stages[stage], completed=done, total=of)


@contextmanager
def progress() -> Iterator[Report]:
    """What a library function reports its progress to, while it runs."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield Bars(bars)
