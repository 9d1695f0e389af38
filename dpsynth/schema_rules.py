"""Rules and formulas of a schema: public text, parsed to checked trees, never run as code."""

from __future__ import annotations

import ast
import functools
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from dpsynth.schema import Column, Schema

RuleKind = Literal["never falls", "never rises", "last", "always"]

MOST_LETTERS = 300
MOST_NUMBER = 1e15  # of a constant: whole numbers stay exact
TRENDS: tuple[RuleKind, ...] = ("never falls", "never rises")
NUMERIC = ("number", "count")
_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div)
_ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
EQUAL = (ast.Eq, ast.NotEq)
_FORMS: tuple[tuple[re.Pattern[str], RuleKind], ...] = (
    (re.compile(r"(.*\S)\s+never\s+falls\s*"), "never falls"),
    (re.compile(r"(.*\S)\s+never\s+rises\s*"), "never rises"),
    (re.compile(r"\s*no\s+visit\s+after\s+(.+)"), "last"),
)
FORMS = (
    "a rule reads `COLUMN never falls`, `COLUMN never rises`, `no visit after COLUMN == VALUE`, "
    "or a comparison such as `discharge >= admission`; a name that is no plain word stands in "
    "backquotes"
)


@dataclass(frozen=True, kw_only=True)
class Expression:
    """Arithmetic or a comparison over columns.

    Attributes:
        text: as the schema has it.
        node: names, constants, + - * /, and at most one (chained) comparison at the top.
        names: the columns in it.
    """

    text: str
    node: ast.expr
    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What every synthetic patient holds; a rule about a missing value holds.

    Attributes:
        text: as the schema has it.
        kind: "never falls" or "never rises" over a patient's known values in the order of
            visits; "last": the visit on which it is true is the patient's last; "always": it is
            true of every visit (of the patient, if all its columns are facts of the patient).
        expression: a column alone for the first two, else a comparison.
    """

    text: str
    kind: RuleKind
    expression: Expression


@dataclass(frozen=True, kw_only=True)
class Known:
    """A column that rules may speak of."""

    column: Column
    level: Literal["patient", "visit"]


def columns(schema: Schema) -> dict[str, Known]:
    """Modelled and computed columns of all tables by name."""
    return {
        name: Known(column=column, level=table.level(column))
        for table in schema.tables.values()
        for name, column in table.columns.items()
        if not column.identifier
    }


@functools.cache
def rule(text: str) -> Rule:
    """A rule of the schema.

    Raises:
        ValueError: if it has none of the forms of `FORMS`.
    """
    kind: RuleKind = "always"
    bare = text
    for form, meant in _FORMS:
        match = form.fullmatch(text)
        if match is not None:
            kind, bare = meant, match[1]
    found = formula(bare)
    whole = ast.Name if kind in TRENDS else ast.Compare
    if not isinstance(found.node, whole):
        raise ValueError(FORMS)
    return Rule(text=text, kind=kind, expression=found)


@functools.cache
def formula(text: str) -> Expression:
    """An expression over columns; a name in backquotes may hold any letters.

    Raises:
        ValueError: if it holds anything but names, numbers, quoted text, + - * / and one
            comparison.
    """
    if len(text) > MOST_LETTERS:
        raise ValueError(f"at most {MOST_LETTERS} letters, got {len(text)}")
    quoted: list[str] = re.findall("`([^`]+)`", text)
    places = iter(range(len(quoted)))
    plain = re.sub("`[^`]+`", lambda _: f" quoted_name_{next(places)}_ ", text).strip()
    names = {f"quoted_name_{place}_": name for place, name in enumerate(quoted)}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            node = _Named(names).visit(ast.parse(plain, mode="eval")).body
    except (SyntaxError, ValueError, RecursionError, MemoryError, Warning):
        raise ValueError(f"can't be read: {text!r}; {FORMS}") from None
    return Expression(text=text, node=node, names=tuple(dict.fromkeys(_held(node, top=True))))


class _Named(ast.NodeTransformer):
    """Puts quoted names back; `true` and `false` become the words that records hold."""

    def __init__(self, quoted: Mapping[str, str]) -> None:
        self._quoted = quoted

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in ("true", "false"):
            return ast.Constant(node.id)
        return ast.Name(self._quoted.get(node.id, node.id), ast.Load())


def _held(node: ast.expr, top: bool = False) -> Iterator[str]:
    """Names in a tree; anything that we don't know is refused."""
    match node:
        case ast.Name():
            yield node.id
        case ast.Constant(value=str()):
            pass
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            if not abs(value) < MOST_NUMBER:
                raise ValueError(f"numbers must be below {MOST_NUMBER:g}, got {value}")
        case ast.BinOp(op=op) if isinstance(op, _ARITHMETIC):
            yield from _held(node.left)
            yield from _held(node.right)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
            yield from _held(node.operand)
        case ast.Compare() if top and all(isinstance(op, _ORDER + EQUAL) for op in node.ops):
            for each in (node.left, *node.comparators):
                yield from _held(each)
        case _:
            raise ValueError(
                f"may hold columns, numbers, quoted text, + - * / and one comparison; got "
                f"{type(node).__name__}"
            )


def bases(names: tuple[str, ...], known: Mapping[str, Known]) -> list[str]:
    """The modelled columns behind columns, some of which may be computed."""
    found: dict[str, None] = {}
    for name in names:
        text = known[name].column.formula
        found |= dict.fromkeys((name,) if text is None else formula(text).names)
    return list(found)
