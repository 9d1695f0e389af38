"""A command in a process of its own, killed outright, that says first what it asks of the data."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dpsynth.cli.main import run as dpsynth
from dpsynth.privacy.door import Door
from dpsynth.privacy.ledger import Ledger

ROWS = "pid,visit,sex,sick,sys\n" + "".join(
    f"{patient},{visit},{'fm'[patient % 2]},{int(patient % 3 == 0)},{100 + 7 * (patient % 9)}\n"
    for patient in range(40)
    for visit in range(1 + patient % 3)
)
SCHEMA = """\
version: 1
name: clinic
population: 40
max_visits: 3
tables:
  clinic:
    shape: visits
    key: pid
    time: {column: visit, kind: order}
    columns:
      sex: {type: category, per: patient, categories: [f, m], sensitive: true}
      sick: {type: boolean, per: patient}
      sys: {type: number, bounds: [80, 200], bins: 4}
label: {column: sick, positive: "true"}
"""
SETTINGS = {"width": 16, "depth": 1, "steps": 20, "warm_steps": 3, "save_every": 5, "batch": 8}
TINY = tuple(f"--setting={name}={value}" for name, value in SETTINGS.items())
RESERVING = "reserving"


def write(folder: Path, name: str) -> None:
    """Data and schema of a small clinic; the name keeps its file apart from others."""
    folder.mkdir()
    (folder / "clinic.csv").write_text(ROWS.replace("pid,visit,sex", f"pid,visit,{name}_sex"))
    (folder / "schema.yaml").write_text(SCHEMA.replace("      sex:", f"      {name}_sex:"))


@contextmanager
def silence() -> Iterator[None]:
    """Nothing on stdout and stderr."""
    kept = os.dup(1), os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    try:
        yield
    finally:
        for old, place in zip(kept, (1, 2), strict=True):
            os.dup2(old, place)
            os.close(old)
        os.close(null)


def timed(words: list[str]) -> tuple[float, float]:
    """Seconds that the command takes, and after how many of them it reserves a budget (or 0)."""
    began = time.monotonic()
    child, told = _begin(words)
    first = 0.0
    with os.fdopen(told) as lines:
        for line in lines:
            if line.strip() == RESERVING and not first:
                first = time.monotonic() - began
    _, status = os.waitpid(child, 0)
    if status:
        raise SystemExit(f"dpsynth {' '.join(words)} ended with status {status}")
    return time.monotonic() - began, first


def kill(words: list[str], wait: float, *, after_reservation: bool) -> list[str] | None:
    """Kill the command with SIGKILL.

    Args:
        words: the command.
        wait: seconds.
        after_reservation: from when on; else from its start.

    Returns:
        What it asked the door, a line each, or none if it was done before.
    """
    child, told = _begin(words)
    with os.fdopen(told) as lines:
        said = [lines.readline().strip()] if after_reservation else []
        time.sleep(wait)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        said += [line.strip() for line in lines]
    if not os.WIFSIGNALED(status):
        return None
    return [line for line in said if line and line != RESERVING]


def _begin(words: list[str]) -> tuple[int, int]:
    """Start the command; returns its process and the pipe on which it says what it asks."""
    told, tell = os.pipe()
    child = os.fork()
    if child:
        os.close(tell)
        return child, told
    try:
        _watch(Ledger, "reserve", tell, lambda *_: RESERVING)
        _watch(Door, "discover", tell, lambda *_: "discover")
        _watch(Door, "measure", tell, lambda name, *_: str(name))
        _watch(Door, "step", tell, lambda *_: "step")
        with silence():
            os._exit(dpsynth(words))
    finally:
        os._exit(99)


def _watch(owner: Any, name: str, tell: int, line: Callable[..., str]) -> None:
    """Let a method say that it was called before it works."""
    original = getattr(owner, name)

    def watched(self: Any, *given: Any, **named: Any) -> Any:
        os.write(tell, line(*given).encode() + b"\n")
        return original(self, *given, **named)

    setattr(owner, name, watched)
