"""A data dictionary: what the keepers of the data say about their columns, in CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dpsynth.data.sketch import Facts
from dpsynth.errors import DataError

MOST_BYTES = 20_000_000
KINDS = {
    "number": "number real float double numeric continuous decimal",
    "count": "count integer int whole",
    "category": "category categorical text string char code factor enum ordinal nominal",
    "boolean": "boolean bool binary flag logical yes/no",
}
TYPES = {word: kind for kind, words in KINDS.items() for word in words.split()}


def read_dictionary(path: str | Path) -> dict[str, Facts]:
    """Facts of each column: name, type, unit, min, max, categories; description is left out.

    CSV has one line per column, with `|` or `;` between categories. JSON is a list of such
    objects, or an object of them by name.

    Raises:
        DataError: one line that names the column, the value and the cure.
    """
    path = Path(path)
    rows = _json(path) if path.suffix == ".json" else _csv(path)
    found: dict[str, Facts] = {}
    for row in rows:
        low = {str(k).strip().lower(): v for k, v in row.items() if k is not None}
        name = str(low.get("name") or "").strip()
        if not name:
            raise DataError(f"{path.name}: a line has no name; each needs the column's name")
        found[name] = _facts(low, f"{path.name}: {name}")
    return found


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DataError(f"{path.name}: larger than {MOST_BYTES:,} bytes; not a dictionary")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name}: can't be read as text ({type(error).__name__})") from None


def _csv(path: Path) -> list[Mapping[str, Any]]:
    lines = csv.DictReader(io.StringIO(_text(path)))
    if "name" not in {str(each).strip().lower() for each in lines.fieldnames or ()}:
        raise DataError(
            f"{path.name}: needs a column `name` (and type, unit, min, max, categories)"
        )
    return list(lines)


def _json(path: Path) -> list[Mapping[str, Any]]:
    try:
        given = json.loads(_text(path))
    except (json.JSONDecodeError, RecursionError):
        raise DataError(f"{path.name}: is not readable JSON") from None
    if isinstance(given, dict) and all(isinstance(each, dict) for each in given.values()):
        return [{"name": name, **each} for name, each in given.items()]
    if isinstance(given, list) and all(isinstance(each, dict) for each in given):
        return given
    raise DataError(f"{path.name}: must be a list of columns, or columns by name")


def _facts(row: Mapping[str, Any], place: str) -> Facts:
    facts: Facts = {}
    kind = str(row.get("type") or "").strip().lower()
    if kind:
        if kind not in TYPES:
            raise DataError(f"{place}: type must be one of {', '.join(KINDS)}, got {kind!r}")
        facts["type"] = TYPES[kind]
    if str(row.get("unit") or "").strip():
        facts["unit"] = str(row["unit"]).strip()
    ends = [_number(row.get(key), f"{place}: {key}") for key in ("min", "max")]
    if None not in ends and facts.get("type") not in ("category", "boolean"):
        facts["bounds"] = ends
        facts.setdefault("type", "number")
    names = _names(row.get("categories"))
    if names and facts.get("type", "category") == "category":
        facts |= {"type": "category", "categories": names}
    return facts


def _number(given: Any, place: str) -> float | None:
    if given is None or not str(given).strip():
        return None
    try:
        return float(given)
    except (TypeError, ValueError):
        raise DataError(f"{place} must be a number, got {given!r}") from None


def _names(given: Any) -> list[str]:
    if isinstance(given, list):
        return [str(each) for each in given]
    text = str(given or "")
    return [each.strip() for each in text.split("|" if "|" in text else ";") if each.strip()]
