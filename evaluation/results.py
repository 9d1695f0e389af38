"""Rows of results, as every protocol writes them and one script reads them."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t

# What tells one line of a table from another.
CASE = ("protocol", "model", "route", "epsilon", "patients", "k", "group")


class Results:
    """A protocol's `results.json`, kept whole after every row, so that a run can be taken up.

    Args:
        path: the file; read if it is there.
        protocol: its name.
        threads: stated on the machine's line.
    """

    def __init__(self, path: Path, protocol: str, threads: int) -> None:
        self.path = path
        self.facts: dict[str, Any] = {
            "protocol": protocol,
            "commit": _commit(path.parent),
            "date": datetime.now(UTC).date().isoformat(),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, {threads} threads used",
            "rows": [],
        }
        if path.exists():
            self.facts["rows"] = json.loads(path.read_text())["rows"]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """All rows so far."""
        return self.facts["rows"]

    def holds(self, **key: Any) -> bool:
        """Whether a row with these fields is there already."""
        return any(all(row.get(k) == v for k, v in key.items()) for row in self.rows)

    def add(self, rows: list[dict[str, Any]]) -> None:
        """Append rows and save."""
        self.rows.extend(rows)
        fresh = self.path.with_suffix(".partial")
        fresh.write_text(json.dumps(self.facts, indent=1) + "\n")
        fresh.replace(self.path)


def table(rows: list[dict[str, Any]]) -> str:
    """A line per case and a column per metric, as Markdown; groups in a table of their own.

    Means over seeds with the half width of the 95 % t interval over seeds; a single value with
    its own interval where it has one.
    """
    parts = [[r for r in rows if ("group" in r) is grouped] for grouped in (False, True)]
    return "\n".join(_table(part) for part in parts if part)


def _table(rows: list[dict[str, Any]]) -> str:
    cases = _ordered(list(dict.fromkeys(tuple(row.get(k) for k in CASE) for row in rows)))
    shown = [i for i, key in enumerate(CASE) if any(case[i] is not None for case in cases)]
    metrics = list(dict.fromkeys(row["metric"] for row in rows))
    head = [CASE[i] for i in shown] + metrics
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for case in cases:
        here = [row for row in rows if tuple(row.get(k) for k in CASE) == case]
        cells = [_key(case[i]) for i in shown]
        cells += [_cell([row for row in here if row["metric"] == m]) for m in metrics]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _ordered(cases: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Protocols and models as they came, epsilon from none and the largest down."""
    came = {name: place for place, name in enumerate(dict.fromkeys(case[:2] for case in cases))}
    first = {protocol: place for (protocol, _), place in reversed(came.items())}
    epsilon = CASE.index("epsilon")

    def place(case: tuple[Any, ...]) -> tuple[float, ...]:
        spent = -np.inf if case[epsilon] is None else -case[epsilon]
        return first[case[0]], spent, came[case[:2]]

    return sorted(cases, key=place)


def _key(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _cell(rows: list[dict[str, Any]]) -> str:
    values = np.array([row["value"] for row in rows], dtype=float)
    if not len(values):
        return "-"
    mean = f"{values.mean():.3g}" if values.mean() >= 10 else f"{values.mean():.3f}"
    if all(isinstance(row["value"], int) for row in rows) and len(set(values)) == 1:
        return str(rows[0]["value"])  # a count
    if len(values) > 1:
        half = t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5
        return f"{mean} ± {half:.2g}"
    if rows[0].get("low") is None:
        return mean
    return f"{mean} [{rows[0]['low']:.3f}, {rows[0]['high']:.3f}]"


def _commit(folder: Path) -> str:
    made = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return made.stdout.strip() or "unknown"
