"""What must hold in the rules and formulas of a schema; each mistake in one line."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from dpsynth.errors import SchemaError
from dpsynth.schema_checks import text as as_text
from dpsynth.schema_errors import near
from dpsynth.schema_rules import EQUAL, NUMERIC, TRENDS, Known, columns, formula, rule

if TYPE_CHECKING:
    from dpsynth.schema import Column, Schema


def check(schema: Schema) -> None:
    """Check all rules and formulas of a schema.

    Raises:
        SchemaError: one line.
    """
    known = columns(schema)
    for table_name, table in schema.tables.items():
        for name, column in table.columns.items():
            if column.formula is not None and not column.identifier:
                _at(f"tables.{table_name}.columns.{name}.formula", _formula, name, schema, known)
    for place, text in enumerate(schema.rules):
        _at(f"rules.{place}", _rule, text, schema, known)


def _at(place: str, what: Callable[..., None], *given: object) -> None:
    try:
        what(*given)
    except ValueError as error:
        raise SchemaError(f"{place}: {error}") from None


def _formula(name: str, schema: Schema, known: Mapping[str, Known]) -> None:
    mine = known[name]
    found = formula(mine.column.formula or "")
    for other in found.names:
        _known(other, known)
        if known[other].column.formula is not None:
            raise ValueError(f"{other!r} is computed itself; write out its formula")
        if mine.level == "patient" and known[other].level == "visit":
            raise ValueError(f"{name!r} is a fact of the patient, {other!r} of a visit")
    _check_types(found.node, known)
    if isinstance(found.node, ast.Compare) != (mine.column.type == "boolean"):
        raise ValueError("a comparison makes a boolean, arithmetic a number or count")
    if not found.names:
        raise ValueError("names no column")


def _rule(text: str, schema: Schema, known: Mapping[str, Known]) -> None:
    found = rule(text)
    for name in found.expression.names:
        _known(name, known)
    visit = any(known[name].level == "visit" for name in found.expression.names)
    if found.kind != "always" and not visit:
        raise ValueError(f"{found.kind!r} is about visits; {text!r} names no column of a visit")
    if found.kind == "last" and any(t.empty == "keep" for t in schema.tables.values()):
        raise ValueError("every patient has each window of a grid; use `empty: drop`")
    if not found.expression.names:
        raise ValueError(f"{text!r} names no column")
    if found.kind in TRENDS:
        kind = known[found.expression.names[0]].column.type
        if kind == "category":
            raise ValueError(f"{text!r}: a category neither falls nor rises")
        return
    _check_types(found.expression.node, known)


def _known(name: str, known: Mapping[str, Known]) -> None:
    if name not in known:
        raise ValueError(f"there is no column {name!r}{near(name, known)}")


def _check_types(node: ast.expr, known: Mapping[str, Known]) -> None:
    """Numbers with numbers, categories with their own categories by == and !=."""
    if not isinstance(node, ast.Compare):
        _numbers(node, known)
        return
    sides = [node.left, *node.comparators]
    named = [known[s.id].column for s in sides if isinstance(s, ast.Name)]
    if all(column.type in NUMERIC for column in named):
        for side in sides:
            _numbers(side, known)
        return
    if len(sides) != 2 or not isinstance(node.ops[0], EQUAL):
        raise ValueError("categories and booleans are compared by == or != with one value")
    for side in sides:
        if isinstance(side, ast.Constant):
            _category(str(as_text(side.value)), named[0])
        elif not isinstance(side, ast.Name) or known[side.id].column.type in NUMERIC:
            raise ValueError("a category can't be compared with a number")


def _numbers(node: ast.expr, known: Mapping[str, Known]) -> None:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            raise ValueError(f"{each.value!r} is text where a number is needed")
        if isinstance(each, ast.Name) and known[each.id].column.type not in NUMERIC:
            raise ValueError(f"{each.id!r} is a {known[each.id].column.type}, not a number")


def _category(value: str, column: Column) -> None:
    names = ("false", "true") if column.type == "boolean" else column.categories
    if names is not None and value not in (*names, *(("other",) if column.other else ())):
        raise ValueError(f"must be one of {', '.join(names)}, got {value!r}")
