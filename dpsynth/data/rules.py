"""What a schema's rules and formulas say about records: pure arithmetic, nothing is run as code."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from dpsynth import schema_rules
from dpsynth.data.records import Records
from dpsynth.schema import Kind, Schema
from dpsynth.schema_checks import text as as_text
from dpsynth.schema_rules import NUMERIC, TRENDS, Known, Rule, formula, rule

_ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARED: dict[type, Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


@dataclass(frozen=True)
class View:
    """A schema's columns over records, the computed ones included.

    Attributes:
        records, schema: what is looked at.
        known: the schema's columns by name.
    """

    records: Records
    schema: Schema
    known: Mapping[str, Known] = field(init=False)

    def __post_init__(self) -> None:
        """Look up the columns once."""
        object.__setattr__(self, "known", schema_rules.columns(self.schema))

    @property
    def patient(self) -> np.ndarray:
        """(visits,) position of each visit's patient."""
        return self.records.visits["patient"].to_numpy(dtype=np.int64)

    def level(self, names: tuple[str, ...]) -> str:
        """Of a visit, if any of the columns is."""
        return "visit" if any(self.known[n].level == "visit" for n in names) else "patient"

    def values(self, name: str, level: str) -> np.ndarray:
        """One column for every patient or visit: float64 with NaN, or text with None."""
        mine = self.known[name]
        if mine.column.formula is not None:
            found = self._computed(name)
        else:
            frame = self.records.static if mine.level == "patient" else self.records.visits
            found = frame[name].to_numpy()
        return found[self.patient] if (mine.level, level) == ("patient", "visit") else found

    def _computed(self, name: str) -> np.ndarray:
        mine = self.known[name]
        node = formula(mine.column.formula or "").node
        if isinstance(node, ast.Compare):
            true, given = self.compared(node, mine.level)
            words = np.where(true, "true", "false").astype(object)
            words[~given] = None
            return words
        found = self.number(node, mine.level)
        return np.rint(found) if mine.column.type is Kind.COUNT else found

    def number(self, node: ast.expr, level: str) -> np.ndarray:
        """Arithmetic; NaN where a part is missing or the result is not finite."""
        with np.errstate(all="ignore"):
            found = np.asarray(self._arithmetic(node, level), dtype=np.float64)
        size = len(self.records) if level == "patient" else len(self.records.visits)
        return np.where(np.isfinite(found), found, np.nan) * np.ones(size)

    def _arithmetic(self, node: ast.expr, level: str) -> Any:
        match node:
            case ast.Constant(value=value):
                return np.float64(value)  # type: ignore[arg-type]
            case ast.Name(id=name):
                return self.values(name, level)
            case ast.UnaryOp(op=op, operand=inner):
                found = self._arithmetic(inner, level)
                return -found if isinstance(op, ast.USub) else found
            case ast.BinOp(left=left, op=op, right=right):
                return _ARITHMETIC[type(op)](
                    self._arithmetic(left, level), self._arithmetic(right, level)
                )
        raise AssertionError(f"the schema let {ast.dump(node)} through")

    def compared(self, node: ast.Compare, level: str) -> tuple[np.ndarray, np.ndarray]:
        """Where a comparison is true, and where all its parts are there."""
        nodes = [node.left, *node.comparators]
        named = [n.id for n in nodes if isinstance(n, ast.Name)]
        texts = any(self.known[n].column.type not in NUMERIC for n in named)
        sides = [self._text(n, level) if texts else self.number(n, level) for n in nodes]
        size = len(self.records) if level == "patient" else len(self.records.visits)
        true, given = np.ones(size, dtype=bool), np.ones(size, dtype=bool)
        for left, op, right in zip(sides, node.ops, sides[1:], strict=False):
            true &= _COMPARED[type(op)](left, right).astype(bool)
        for side in sides:
            given &= ~pd.isna(side)
        return true & given, given

    def _text(self, node: ast.expr, level: str) -> np.ndarray:
        if isinstance(node, ast.Name):
            return self.values(node.id, level)
        assert isinstance(node, ast.Constant)
        return np.array(str(as_text(node.value)), dtype=object)


def broken(records: Records, schema: Schema) -> dict[str, np.ndarray]:
    """Which patients break which rule.

    Shape:
        return: for each rule's text, (patients,) bool
    """
    view = View(records, schema)
    return {text: faults(rule(text), view)[0] for text in schema.rules}


def faults(each: Rule, view: View) -> tuple[np.ndarray, np.ndarray]:
    """Which patients break a rule, and at which visits.

    A trend breaks at the visits that lie behind an earlier one; "last" at the visit that should
    have been the last. A broken rule on facts of the patient stands at none of the visits.

    Shape:
        return: (patients,) bool, (visits,) bool
    """
    patients, visits = len(view.records), len(view.records.visits)
    names = each.expression.names
    if view.level(names) == "patient":
        true, given = view.compared(each.expression.node, "patient")  # type: ignore[arg-type]
        return given & ~true, np.zeros(visits, dtype=bool)
    if each.kind in TRENDS:
        at = _trend(each, view)
    else:
        true, given = view.compared(each.expression.node, "visit")  # type: ignore[arg-type]
        at = given & ~true if each.kind == "always" else true & _followed(view.patient)
    who = np.zeros(patients, dtype=bool)
    who[view.patient[at]] = True
    return who, at


def _followed(patient: np.ndarray) -> np.ndarray:
    """Visits that are not their patient's last."""
    return np.append(patient[1:] == patient[:-1], np.zeros(min(len(patient), 1), dtype=bool))


def _trend(each: Rule, view: View) -> np.ndarray:
    values = ordered(view.values(each.expression.names[0], "visit"))
    at, known = np.zeros(len(values), dtype=bool), np.flatnonzero(~np.isnan(values))
    step = np.diff(values[known]) * (1 if each.kind == "never falls" else -1)
    same = np.diff(view.patient[known]) == 0
    at[known[1:]] = same & (step < 0)
    return at


def ordered(values: np.ndarray) -> np.ndarray:
    """A column as numbers; of a boolean, true lies above false."""
    if values.dtype != object:
        return values.astype(np.float64)
    words = {"false": 0.0, "true": 1.0}
    return np.array([words.get(value, np.nan) for value in values], dtype=np.float64)
