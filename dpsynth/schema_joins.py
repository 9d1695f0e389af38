"""What must hold between the tables of a schema; each mistake in one line: place and cure."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from dpsynth import schema_rule_checks
from dpsynth.errors import SchemaError
from dpsynth.schema_errors import near

if TYPE_CHECKING:
    from dpsynth.schema import Column, Label, Schema, Survival


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
        for at, column in each.columns.items():
            _domain(f"tables.{name}.columns.{at}", column)
    names = [*given.columns("patient"), *given.columns("visit")]
    names += [n for t in given.tables.values() for n, c in t.columns.items() if c.formula]
    both = [name for name, times in Counter(names).items() if times > 1]
    if both:
        name = min(both)
        raise SchemaError(
            f"column {name!r} stands in two tables; rename one, with `source: {name}`"
        )
    _clocks(given)
    pictured = [name for name, each in given.tables.items() if each.picture is not None]
    if len(pictured) > 1:
        raise SchemaError(f"tables.{pictured[1]}.picture: tables.{pictured[0]} has one already")
    if pictured and sum(each.time is not None for each in given.tables.values()) > 1:
        raise SchemaError(
            f"tables.{pictured[0]}.picture: such a table is the only one with visits; "
            "put facts of the patient into a static table"
        )
    if given.label is not None:
        _label(given.label, given)
    if given.survival is not None:
        _survival(given.survival, given)
    schema_rule_checks.check(given)


def _domain(place: str, given: Column) -> None:
    """What values a column takes must be public, or found at a cost."""
    if given.identifier or given.private or given.formula or given.type == "boolean":
        return
    key, what = "categories", "list the public codes"
    if given.type != "category":
        key, what = "bounds", "write public [low, high]"
    if getattr(given, key) is None:
        raise SchemaError(
            f"{place}.{key}: missing; {what}, or private: true to have them found at a stated cost"
        )


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
            f"label.column: there is no column {label.column!r}{near(label.column, known)}"
        )
    target = known[label.column]
    if (label.positive is None) == (label.above is None):
        raise SchemaError("label: needs either `positive` (a category) or `above` (a number)")
    if label.above is not None and target.type not in ("number", "count"):
        raise SchemaError(
            f"label.above: {label.column!r} is a {target.type}; use `positive: <category>`"
        )
    if label.positive is not None:
        _positive(label.positive, label.column, target)


def _positive(positive: str, name: str, target: Column) -> None:
    if target.type in ("number", "count"):
        raise SchemaError(f"label.positive: {name!r} is a {target.type}; use `above`")
    names = ("false", "true") if target.type == "boolean" else target.categories
    if names is not None and positive not in (*names, "other"):
        raise SchemaError(f"label.positive: must be one of {', '.join(names)}, got {positive!r}")


def _survival(survival: Survival, given: Schema) -> None:
    known, visit = given.columns("patient"), given.columns("visit")
    for key, name in (("time", survival.time), ("event", survival.event)):
        if name in visit:
            raise SchemaError(
                f"survival.{key}: {name!r} is of the visit; needs a fact of the patient "
                "(a static table, or per: patient)"
            )
        if name not in known:
            raise SchemaError(f"survival.{key}: there is no column {name!r}{near(name, known)}")
    time, event = known[survival.time], known[survival.event]
    if time.type not in ("number", "count"):
        raise SchemaError(f"survival.time: {survival.time!r} is a {time.type}; use a number")
    if time.bounds is not None and time.bounds[0] < 0:
        raise SchemaError(
            f"survival.time: {survival.time!r} may be {time.bounds[0]:g}; "
            "a time until an event starts at 0: mend its bounds"
        )
    if event.type != "boolean":
        raise SchemaError(
            f"survival.event: {survival.event!r} is a {event.type}; "
            "use a boolean (true: the event was seen)"
        )
