"""Tokens to records that hold the schema's rules, as far as the codes allow it.

Codes stay as the model drew them. Numbers are drawn again inside their bins: those of a column
that never falls are put in order where they share a bin, which is the law of draws that were
drawn until they are in order; the others are drawn again, visit by visit, until the rules hold.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from dpsynth.data.codec import Codec, Tokens
from dpsynth.data.field import ANY, Field
from dpsynth.data.records import Records
from dpsynth.data.rules import View, broken, faults
from dpsynth.schema import Schema
from dpsynth.schema_rules import NUMERIC, TRENDS, Rule, bases, columns, rule

TRIES = 40
STATIC_TURN = 4  # every so often, facts of the patient are drawn again too, not only visits


@dataclass(frozen=True, kw_only=True)
class Redraw:
    """How the rules of a schema are held.

    Attributes:
        schema, codec: what the tokens mean.
        within: closed ranges that facts of the patient lie in.
    """

    schema: Schema
    codec: Codec
    within: Mapping[str, tuple[float, float]]

    @property
    def rules(self) -> list[Rule]:
        """The schema's rules."""
        return [rule(text) for text in self.schema.rules]

    def records(
        self, tokens: Tokens, rng: np.random.Generator
    ) -> tuple[Records, dict[str, np.ndarray]]:
        """Records of tokens, in their order, and which patients still break which rule.

        Of a patient who breaks a rule that no drawing can mend, only such rules are told.

        Shape:
            return: records; for each rule's text, (patients,) bool
        """
        drawn = self._in_order(tokens, self.codec.decode(tokens, rng, self.within))
        wrong = broken(drawn, self.schema)
        fixed = [text for text in wrong if not self._movable(rule(text))]
        lost = _any([wrong[text] for text in fixed], len(tokens))
        todo = np.flatnonzero(_any(wrong.values(), len(tokens)) & ~lost)
        if not len(todo):
            return drawn, self._told(wrong, fixed, lost)
        rest = np.setdiff1d(np.arange(len(tokens)), todo)
        parts, places = [drawn.take(rest)], [rest]
        left, part = tokens.take(todo), drawn.take(todo)
        for turn in range(1, TRIES + 1):
            part = self._again(left, part, rng, statics=turn % STATIC_TURN == 0)
            bad = _any(broken(part, self.schema).values(), len(part))
            for kept in [~bad] if turn < TRIES else [~bad, bad]:
                parts.append(part.take(np.flatnonzero(kept)))
                places.append(todo[kept])
            still = np.flatnonzero(bad)
            todo, left, part = todo[still], left.take(still), part.take(still)
            if not len(todo):
                break
        whole = Records.stacked(parts).take(np.argsort(np.concatenate(places)))
        return whole, self._told(broken(whole, self.schema), fixed, lost)

    def _told(
        self, wrong: Mapping[str, np.ndarray], fixed: Collection[str], lost: np.ndarray
    ) -> dict[str, np.ndarray]:
        return {text: who if text in fixed else who & ~lost for text, who in wrong.items()}

    def _movable(self, each: Rule) -> bool:
        """Whether drawing again can change anything."""
        numbers = self._numbers(each)
        if each.expression.names == tuple(numbers) and each.kind in TRENDS:
            return bool(self._fields[numbers[0]][1].column.atoms)  # else its order is the codes'
        return bool(numbers)

    def _numbers(self, each: Rule) -> list[str]:
        """Modelled numbers in a rule."""
        known = columns(self.schema)
        names = bases(each.expression.names, known)
        return [name for name in names if known[name].column.type in NUMERIC]

    @property
    def _fields(self) -> dict[str, tuple[int, Field]]:
        """Place and field of every modelled column."""
        levels = (self.codec.static, self.codec.visit)
        return {each.name: (at, each) for level in levels for at, each in enumerate(level)}

    def _again(
        self, tokens: Tokens, records: Records, rng: np.random.Generator, *, statics: bool
    ) -> Records:
        """The same patients with other numbers where rules are broken."""
        view = View(records, self.schema)
        visits: dict[str, np.ndarray] = {}
        facts: dict[str, np.ndarray] = {}
        for each in self.rules:
            who, at = faults(each, view)
            trend = each.kind in TRENDS
            for name in self._numbers(each):
                if view.known[name].level == "patient":
                    if statics or view.level(each.expression.names) == "patient":
                        facts[name] = facts.get(name, False) | who
                else:
                    visits[name] = visits.get(name, False) | (who[view.patient] if trend else at)
        flat = tokens.visits[tokens.inside]
        static, visit = records.static.copy(), records.visits.copy()
        for frame, codes, todo in ((static, tokens.static, facts), (visit, flat, visits)):
            for name, rows in todo.items():
                self._draw(frame, name, codes, rows, rng)
        return self._in_order(tokens, replace(records, static=static, visits=visit))

    def _draw(
        self,
        frame: pd.DataFrame,
        name: str,
        codes: np.ndarray,
        rows: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        place, field = self._fields[name]
        values = frame[name].to_numpy(copy=True)
        values[rows] = field.decode(codes[rows, place], rng, self.within.get(name, ANY)).to_numpy()
        frame[name] = values

    @property
    def _ordered(self) -> dict[str, int]:
        """Modelled number columns with a trend: 1 never falls, -1 never rises."""
        found = {}
        for each in self.rules:
            name = each.expression.names[0]
            if each.kind in TRENDS and [name] == self._numbers(each):
                found[name] = 1 if each.kind == TRENDS[0] else -1
        return found

    def _in_order(self, tokens: Tokens, records: Records) -> Records:
        """Put a patient's known values in order wherever neighbours share a bin."""
        flat, patient = tokens.visits[tokens.inside], np.nonzero(tokens.inside)[0]
        visits = records.visits
        for name, sign in self._ordered.items():
            place, _ = self._fields[name]
            values = visits[name].to_numpy(copy=True)
            known = np.flatnonzero(~np.isnan(values))
            starts = np.diff(patient[known], prepend=-1) != 0
            starts |= np.diff(flat[known, place], prepend=-1) != 0
            run = np.cumsum(starts)
            values[known] = values[known[np.lexsort((sign * values[known], run))]]
            visits = visits.assign(**{name: values})
        return replace(records, visits=visits)


def _any(wrong: Iterable[np.ndarray], patients: int) -> np.ndarray:
    return np.logical_or.reduce([np.zeros(patients, dtype=bool), *wrong])
