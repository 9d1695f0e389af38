"""A schema's mistakes in one line each, in place of pydantic's many."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from dpsynth.errors import SchemaError

FILL_IN = "FILL IN"
MOST_NODES = 200_000
HINTS = {
    "bounds": "must be two numbers [low, high]",
    "bins": "must be a number of bins or a list of inner edges",
    "population": "must be a whole number above 0, or private, or absent",
    "max_visits": "must be a whole number above 0",
    "categories": "must be a list of names",
    "atoms": "must be a list of numbers",
    "rules": "must be a list of lines of text",
    "groups": "must map code prefixes or ranges to categories",
    "type": "must be number, count, category or boolean",
    "tables": "must hold at least one table by name",
    "columns": "must hold columns by name",
    "version": "must be 1",
}


def blanks(given: Any) -> None:
    """Name the first blank that a draft left to fill in.

    Raises:
        SchemaError: if there is one, or if the schema is absurdly large.
    """
    stack: list[tuple[str, Any]] = [("", given)]
    found: list[str] = []
    seen = 0
    while stack:
        place, node = stack.pop()
        seen += 1
        if seen > MOST_NODES:
            raise SchemaError(f"the schema holds more than {MOST_NODES:,} values")
        if isinstance(node, str) and node.strip().upper().startswith(FILL_IN):
            found.append(place)
        elif isinstance(node, Mapping):
            stack += [(f"{place}.{k}".lstrip("."), v) for k, v in reversed(list(node.items()))]
            found += [place for key in node if str(key).startswith(FILL_IN)]
        elif isinstance(node, list | tuple):
            stack += [(place, v) for v in reversed(node)]
    if found:
        more = f" (and {len(found) - 1} more blanks)" if len(found) > 1 else ""
        raise SchemaError(f"{found[0]}: still to fill in{more}; {_cure(found[0])}")


def _cure(place: str) -> str:
    key = place.rsplit(".", 1)[-1]
    return {
        "bounds": "write public limits as [low, high], or remove it and say private: true",
        "categories": "list the public codes, or remove it and say private: true",
        "columns": "list the codes that are wanted by name, each with type and bounds",
        "every": "write a window such as 6h",
        "type": "write number, count, category or boolean, or identifier: true to drop it",
    }.get(key, "write the public fact, or remove the line")


def explain(error: ValidationError, given: Any) -> str:
    """The first mistake in one line, and how many more there are."""
    lines: dict[str, str] = {}
    for each in error.errors(include_url=False):
        loc = [str(part) for part in each["loc"] if not _tag(part)]
        context = each.get("ctx") or {}
        if each["type"] == "schema":
            loc.append(str(context["key"]))
        place = ".".join(loc)
        lines.setdefault(place, f"{place or 'schema'}: {_say(dict(each), loc, given)}")
    first, *rest = lines.values()
    return first + (f" (and {len(rest)} more mistakes)" if rest else "")


def _tag(part: object) -> bool:
    """Whether pydantic put it into the path for a branch of a union."""
    return isinstance(part, int) or bool(
        re.match(r"(tuple|constrained-|literal|function-|str$|int$|float$)", str(part))
        and str(part) not in ("int", "str", "float")
    )


def _say(each: dict[str, Any], loc: list[str], given: Any) -> str:
    if each["type"] == "schema":
        return str(each["msg"])
    if each["type"] == "missing" and isinstance(each["loc"][-1], str):
        return "missing"
    key = loc[-1] if loc else ""
    if each["type"] == "extra_forbidden":
        names = _model(loc).model_fields
        return f"there is no such key{near(key, names)}"
    hint = HINTS.get(key)
    value = repr(_value(given, loc, each["input"]))
    message = hint or str(each["msg"]).removeprefix("Value error, ").replace("Input should", "must")
    return f"{message}, got {value if len(value) < 80 else value[:77] + '...'}"


def _value(given: Any, loc: list[str], inner: Any) -> Any:
    for key in loc:
        if not isinstance(given, Mapping) or key not in given:
            return inner
        given = given[key]
    return given


def _model(loc: list[str]) -> Any:
    from dpsynth import schema as s

    parents = ["", "", *loc[:-1]]
    if parents[-2] == "columns" or parents[-1] in ("gap", "start"):
        return s.Column
    if parents[-2] == "tables":
        return s.Table
    known = {"time": s.Clock, "label": s.Label, "survival": s.Survival}
    return known.get(parents[-1], s.Schema)


def near(name: str, known: Iterable[str]) -> str:
    """A known name that may be meant, or the known names."""
    found = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {found[0]!r}?" if found else f"; known: {', '.join(sorted(known)[:20])}"
