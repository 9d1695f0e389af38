"""What must hold in a schema, each mistake said in one line: place, value, cure."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from dpsynth.errors import SchemaError

if TYPE_CHECKING:
    from dpsynth.schema import Clock, Column, Label, Schema, Table

FILL_IN = "FILL IN"
MINUTES = {"minutes": 1.0, "hours": 60.0, "days": 1440.0, "years": 365.25 * 1440}
UNITS = {"min": 1.0, "h": 60.0, "d": 1440.0, "w": 7 * 1440.0, "y": 365.25 * 1440}
RESERVED = ("patient", "time", "(gap)", "(start)")  # names that the canonical records use
MOST_CODES = 30_000  # tokens are 16-bit
MOST_NODES = 200_000


def minutes(duration: str) -> float:
    """Minutes of "30min", "6h", "2d", "1w" or "1y" (365.25 days).

    Raises:
        ValueError: if it is none of these.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(min|h|d|w|y)\s*", duration)
    if match is None or float(match[1]) <= 0:
        raise ValueError(f"must be a duration such as 30min, 6h, 2d, 1w or 1y, got {duration!r}")
    return float(match[1]) * UNITS[match[2]]


def text(given: Any) -> Any:
    """A code written as a number in the file becomes text; true and false are refused."""
    if isinstance(given, bool):
        raise ValueError(f"{str(given).lower()!r} must be put in quotes")
    if isinstance(given, float) and given.is_integer():
        return str(int(given))
    return str(given) if isinstance(given, int | float) else given


def texts(given: Any) -> Any:
    """The same for each of a list."""
    return [text(each) for each in given] if isinstance(given, list | tuple) else given


def _wrong(key: str, message: str) -> PydanticCustomError:
    return PydanticCustomError("schema", "{message}", {"key": key, "message": message})


def _increasing(values: Iterable[float]) -> bool:
    values = list(values)
    return all(map(math.isfinite, values)) and all(a < b for a, b in pairwise(values))


def column(given: Column) -> None:
    """Check one column by itself.

    Raises:
        PydanticCustomError: turned into a `SchemaError` that knows the column's place.
    """
    numeric = given.type in ("number", "count")
    if given.bounds is not None:
        if not numeric:
            raise _wrong("bounds", f"a {given.type} has categories, not bounds; remove it")
        if not _increasing(given.bounds):
            raise _wrong(
                "bounds",
                f"must be finite and increasing, got {_pair(given.bounds)}; write [low, high]",
            )
    if given.type == "category" and given.categories is None and given.groups:
        raise _wrong("categories", "missing; list the names that `groups` maps to")
    if given.categories is not None:
        _categories(given)
    if numeric:
        _bins(given)
    elif given.bins is not None or given.atoms:
        raise _wrong("bins" if given.bins else "atoms", f"a {given.type} has none; remove it")
    if given.identifier and given.sensitive:
        raise _wrong("sensitive", "an identifier is dropped and can't be audited; choose one")
    if given.type == "category" and "value" in given.model_fields_set:
        if given.value not in ("last", "first"):
            raise _wrong("value", f"a category takes last or first, got {given.value!r}")
    if given.type == "boolean" and "value" in given.model_fields_set:
        if given.value not in ("last", "first", "count"):
            raise _wrong("value", f"a boolean takes last, first or count, got {given.value!r}")


def _pair(bounds: Iterable[float]) -> str:
    return "[" + ", ".join(f"{b:g}" for b in bounds) + "]"


def _categories(given: Column) -> None:
    names = given.categories or ()
    if given.type in ("number", "count"):
        raise _wrong("categories", f"a {given.type} has bounds, not categories; remove it")
    if given.type == "boolean" and len(names) != 2:
        raise _wrong("categories", f"a boolean has two (false first), got {len(names)}")
    if not names or any(not name.strip() for name in names):
        raise _wrong("categories", f"must be non-empty names, got {list(names)!r}")
    if len(names) > MOST_CODES:
        raise _wrong("categories", f"at most {MOST_CODES:,}, got {len(names):,}; use `groups`")
    twice = sorted({name for name in names if names.count(name) > 1}) if len(names) < 5000 else []
    if len(set(names)) < len(names):
        raise _wrong("categories", f"must be unique, got {(twice or ['one'])[0]!r} twice")
    allowed = {*names, "other"} if given.other else {*names}
    for code, name in (given.groups or {}).items():
        if name not in allowed:
            raise _wrong("groups", f"{code!r} maps to {name!r}, which is not among the categories")


def _bins(given: Column) -> None:
    bins = given.bins
    if given.groups:
        raise _wrong("groups", f"a {given.type} has none; use type: category")
    if isinstance(bins, int) and not 1 <= bins <= MOST_CODES:
        raise _wrong("bins", f"must be 1 to {MOST_CODES:,}, got {bins}")
    if isinstance(bins, tuple):
        if not _increasing(bins):
            raise _wrong("bins", f"inner edges must increase, got {_pair(bins)}")
        if given.bounds and bins and not given.bounds[0] < bins[0] <= bins[-1] < given.bounds[1]:
            raise _wrong(
                "bins",
                f"inner edges must lie inside the bounds {_pair(given.bounds)}, got {_pair(bins)}",
            )
    if not all(map(math.isfinite, given.atoms)) or len(set(given.atoms)) < len(given.atoms):
        raise _wrong("atoms", f"must be finite and unique, got {list(given.atoms)!r}")


def clock(given: Clock) -> None:
    """Check a clock: what may carry bins of gaps and starts."""
    for key, bins in (("gap", given.gap), ("start", given.start)):
        if bins is None:
            continue
        if given.kind == "order":
            raise _wrong(key, "an order has no amounts of time; remove it or use kind: number")
        if bins.type not in ("number", "count") or bins.bounds is None:
            raise _wrong(key, "must be a number or count with public bounds")
    if given.start is not None and given.kind == "date":
        raise _wrong("start", "dates start at each patient's first visit; remove it")
    if given.format is not None and given.kind != "date":
        raise _wrong("format", f"only dates have one, not kind: {given.kind}")


def table(given: Table) -> None:
    """Check one table: the keys its shape needs, names that are used once."""
    needs = {"static": (), "visits": ("time",), "events": ("time", "code", "every")}[given.shape]
    takes = {"static": (), "visits": ("time",), "events": EVENTS}[given.shape]
    for key in ("time", *EVENTS):
        if key in needs and getattr(given, key) is None:
            raise _wrong(key, f"missing; a table of shape {given.shape} needs it")
        if key not in takes and key != "empty" and getattr(given, key) is not None:
            raise _wrong(key, f"a table of shape {given.shape} has none; remove it")
    for key in ("every", "span"):
        if getattr(given, key) is not None:
            try:
                minutes(getattr(given, key))
            except ValueError as error:
                raise _wrong(key, str(error)) from None
    if given.shape == "events":
        _events(given)
    _names(given)


EVENTS = ("time", "code", "number", "every", "span")


def _events(given: Table) -> None:
    assert given.time is not None
    if given.time.kind == "order":
        raise _wrong("time.kind", "windows need amounts of time; use number or date")
    if given.empty == "keep":
        if given.span is None:
            raise _wrong("span", "missing; `empty: keep` needs the length of the grid, such as 48h")
        if given.time.gap is not None or given.time.start is not None:
            raise _wrong("time.gap", "a regular grid has no gaps or starts; remove it")
    counted = all(c.value == "count" for c in given.columns.values() if not c.identifier)
    if given.number is None and not counted:
        raise _wrong("number", "missing; name the value column, or let each column count events")


def _names(given: Table) -> None:
    roles = {"key": given.key, "code": given.code, "number": given.number}
    if given.time is not None:
        roles["time"] = given.time.column
    for role, name in roles.items():
        twin = next((r for r, other in roles.items() if other == name and r != role), None)
        if name is not None and twin:
            raise _wrong(role, f"{name!r} is also the {twin} column")
        if name in given.ignore:
            raise _wrong("ignore", f"{name!r} is the {role} column and can't be ignored")
    files: dict[str, str] = {}
    for name, each in given.columns.items():
        source = each.source or name
        for role, other in roles.items():
            if source == other:
                raise _wrong(f"columns.{name}", f"is the {role} column and can't be a column too")
        if source in given.ignore:
            raise _wrong("ignore", f"{source!r} is also a column; remove it from one of the two")
        if source in files:
            raise _wrong(f"columns.{name}", f"reads {source!r}, as column {files[source]!r} does")
        files[source] = name
        if given.shape == "static" and each.per == "visit":
            raise _wrong(f"columns.{name}.per", "a static table has no visits; remove it")
        if name in RESERVED and not each.identifier:
            raise _wrong(
                f"columns.{name}", f"the name is taken; choose another and add `source: {name}`"
            )


def visits(given: Schema) -> int:
    """The public maximum of visits: stated, or what the span of an events table holds.

    Raises:
        SchemaError: if it is missing, or is not what a grid holds.
    """
    stated = given.max_visits if "max_visits" in given.model_fields_set else None
    for name, each in given.tables.items():
        if each.empty == "keep" and stated not in (None, each.windows):
            raise SchemaError(
                f"max_visits: is {stated}, but the grid of tables.{name} has {each.windows} "
                f"windows ({each.span} / {each.every}); remove max_visits"
            )
        if each.shape == "static" or stated is not None:
            continue
        if each.windows is None:
            raise SchemaError(
                f"max_visits: missing; say how many visits of one {given.unit} are used at most"
            )
        stated = each.windows
    return stated or 1


def schema(given: Schema) -> None:
    """Check what holds between tables.

    Raises:
        SchemaError: one line.
    """
    for name, each in given.tables.items():
        if not re.fullmatch(r"\w[\w .-]*", name):
            raise SchemaError(
                f"tables.{name}: a table's name is a file's stem: letters, digits, _-."
            )
        for at, col in each.columns.items():
            place = f"tables.{name}.columns.{at}"
            if col.identifier or col.private:
                continue
            if col.type in ("number", "count") and col.bounds is None:
                raise SchemaError(
                    f"{place}.bounds: missing; write public [low, high], or private: true to "
                    "have them found at a stated cost"
                )
            if col.type == "category" and col.categories is None:
                raise SchemaError(
                    f"{place}.categories: missing; list the public codes, or private: true to "
                    "have them found at a stated cost"
                )
    both = set(given.columns("patient")) & set(given.columns("visit"))
    if both:
        name = sorted(both)[0]
        raise SchemaError(
            f"column {name!r} stands in two tables; rename one, with `source: {name}`"
        )
    _clocks(given)
    if given.label is not None:
        _label(given.label, given)


def _clocks(given: Schema) -> None:
    timed = [(name, t) for name, t in given.tables.items() if t.time is not None]
    for (name, one), (other, two) in pairwise(timed):
        for key in ("kind", "unit", "gap", "start"):
            if getattr(one.time, key) != getattr(two.time, key):
                raise SchemaError(
                    f"tables.{other}.time.{key}: must be that of tables.{name}, "
                    f"since their visits are joined by time"
                )
        for key in ("shape", "every", "span", "empty"):
            if getattr(one, key) != getattr(two, key):
                raise SchemaError(
                    f"tables.{other}.{key}: must be that of tables.{name} "
                    f"({getattr(one, key)!r}), since their visits are joined by time"
                )


def _label(label: Label, given: Schema) -> None:
    known = {**given.columns("patient"), **given.columns("visit")}
    if label.column not in known:
        raise SchemaError(
            f"label.column: there is no column {label.column!r}{_near(label.column, known)}"
        )
    target = known[label.column]
    if (label.positive is None) == (label.above is None):
        raise SchemaError("label: needs either `positive` (a category) or `above` (a number)")
    if label.above is not None and target.type not in ("number", "count"):
        raise SchemaError(
            f"label.above: {label.column!r} is a {target.type}; use `positive: <category>`"
        )
    if label.positive is None:
        return
    if target.type in ("number", "count"):
        raise SchemaError(f"label.positive: {label.column!r} is a {target.type}; use `above`")
    names = ("false", "true") if target.type == "boolean" else target.categories
    if names is not None and label.positive not in (*names, "other"):
        raise SchemaError(
            f"label.positive: must be one of {', '.join(names)}, got {label.positive!r}"
        )


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
    if each["type"] == "missing":
        return "missing"
    key = loc[-1] if loc else ""
    if each["type"] == "extra_forbidden":
        names = _model(loc).model_fields
        return f"there is no such key{_near(key, names)}"
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
    return {"time": s.Clock, "label": s.Label}.get(parents[-1], s.Schema)


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(sorted(known)[:20])}"


HINTS = {
    "bounds": "must be two numbers [low, high]",
    "bins": "must be a number of bins or a list of inner edges",
    "population": "must be a whole number above 0, or private, or absent",
    "max_visits": "must be a whole number above 0",
    "categories": "must be a list of names",
    "atoms": "must be a list of numbers",
    "groups": "must map code prefixes or ranges to categories",
    "type": "must be number, count, category or boolean",
    "tables": "must hold at least one table by name",
    "columns": "must hold columns by name",
    "version": "must be 1",
}
