"""Public weights of at most 1 by group: whose part counts for more, at unchanged sensitivity."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.data.field import Field
from dpsynth.data.named_groups import codes_of
from dpsynth.errors import InputError
from dpsynth.privacy.query import Question

LEAST = 0.01  # a group that counts for less would all but be left out


@dataclass(frozen=True, kw_only=True)
class GroupWeights:
    """What each patient's part is multiplied by, after it was bounded. All of it is public.

    A patient's weight is the product, over the columns, of the weight of the group that the
    patient's own value is in; whoever is in no named group, missing values among them, has
    weight 1. A column is one of the patient, so a value that changes between visits is the
    first known one, and each patient has one weight.

    Guarantee:
        Weights lie in (0, 1], and are chosen by the user before any record is read. A patient's
        part of an answer or of a clipped sum is at most C long before it is weighed, so at most
        C after: the sensitivity stays what is charged. Who joins a step is drawn before weights
        are looked at, with one sample rate for all.

    Attributes:
        columns: of each column, its name, and of each group its name and weight. A group is a
            category, or of a number a range "LOW..HIGH" between edges of its bins (LOW
            belongs to it, HIGH does not, and either may be left out).
        measured: whether noisy answers are weighed.
        trained: whether clipped gradients are.
    """

    columns: tuple[tuple[str, tuple[tuple[str, float], ...]], ...]
    measured: bool = True
    trained: bool = True

    def __post_init__(self) -> None:
        """Refuse weights that are none, or that would raise the sensitivity."""
        if not self.columns or not all(groups for _, groups in self.columns):
            raise InputError("group weights must name a column and its groups, as 'sex:f=1,m=0.4'")
        names = [name for name, _ in self.columns]
        if len(set(names)) < len(names):
            raise InputError(f"group weights must name each column once, got {', '.join(names)}")
        for name, groups in self.columns:
            for group, weight in groups:
                _check(name, group, weight)
        least = math.prod(min(weight for _, weight in groups) for _, groups in self.columns)
        if least < LEAST * (1 - 1e-9):
            raise InputError(
                f"group weights of several columns are multiplied, down to {least:g}; the product "
                f"must be at least {LEAST:g}"
            )
        if not (self.measured or self.trained):
            raise InputError("group weights must weigh measurements, training or both")

    @classmethod
    def of(
        cls,
        groups: Mapping[str, Mapping[str, float]],
        *,
        measured: bool = True,
        trained: bool = True,
    ) -> GroupWeights:
        """From weights by column and group."""
        columns = tuple((name, tuple(each.items())) for name, each in groups.items())
        return cls(columns=columns, measured=measured, trained=trained)

    def public(self) -> dict[str, Any]:
        """As JSON."""
        groups = {name: dict(each) for name, each in self.columns}
        return {"groups": groups, "measured": self.measured, "trained": self.trained}

    @classmethod
    def from_public(cls, fields: Mapping[str, Any]) -> GroupWeights:
        """What `public` wrote."""
        return cls.of(fields["groups"], measured=fields["measured"], trained=fields["trained"])

    def tables(self, codec: Codec) -> dict[int, np.ndarray]:
        """For each static field that is weighed, by its position, the weight of each code.

        Raises:
            InputError: if a column is not one of the patient, or a group is none of its own.
        """
        places = {each.name: place for place, each in enumerate(codec.static)}
        found = {}
        for name, groups in self.columns:
            if name not in places:
                known = ", ".join(places) or "the schema has none"
                raise InputError(
                    f"group weights need a per-patient column ({known}), got {name!r}: a group "
                    "that could change between visits would give a patient two weights"
                )
            found[places[name]] = by_code(codec.static[places[name]], dict(groups))
        return found

    def among(self, static: np.ndarray, codec: Codec) -> np.ndarray:
        """(patients, static fields) codes -> (patients,) weights."""
        found = np.ones(len(static))
        for place, table in self.tables(codec).items():
            found = found * table[static[:, place]]
        return found

    def levels(self, codec: Codec, fixed: Mapping[int, int] | None = None) -> np.ndarray:
        """All weights that a patient can have, increasing; fewer where codes are fixed."""
        found = np.ones(1)
        for place, table in self.tables(codec).items():
            some = table[[fixed[place]]] if fixed and place in fixed else np.unique(table)
            found = np.unique(np.multiply.outer(found, some))
        return found


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """A question in which each patient's part is multiplied by the weight of a public group.

    Guarantee:
        The answer is the sum over weights w of w times the question's answer about the patients
        of that weight alone. A patient is among one such part, by that patient's own record,
        and moves it by at most the question's sensitivity s; so the answer by at most w s <= s.
        s is what is charged, also where no group has weight 1.

    Attributes:
        question: a sum over patients.
        groups: their weights.
    """

    question: Question
    groups: GroupWeights

    @property
    def weight(self) -> float:
        """Of the question, in a joint release."""
        return self.question.weight

    @property
    def sensitivity(self) -> float:
        """See the guarantee."""
        return self.question.sensitivity

    def answer(self, tokens: Tokens, codec: Codec) -> np.ndarray:
        """The exact weighed sum. Private."""
        each = self.groups.among(tokens.static, codec)
        parts = [
            level * self.question.answer(tokens.take(np.flatnonzero(each == level)), codec)
            for level in self.groups.levels(codec)
        ]
        return np.sum(parts, axis=0)


def weighed(questions: Sequence[Question], groups: GroupWeights | None) -> list[Question]:
    """The questions with that group weights, where measurements are weighed."""
    if groups is None or not groups.measured:
        return list(questions)
    return [Weighed(question=each, groups=groups) for each in questions]


def by_code(field: Field, groups: Mapping[str, float]) -> np.ndarray:
    """(codes,) the weight of each code of a field; 1 where no group is named.

    Raises:
        InputError: if a group is none of the field's, or two groups share a value.
    """
    found, named = np.ones(field.size), np.zeros(field.size, dtype=bool)
    for group, weight in groups.items():
        codes = codes_of(field, group)
        if named[codes].any():
            raise InputError(f"group weights of {field.name!r}: {group!r} meets another group")
        named[codes], found[codes] = True, weight
    return found


def _check(column: str, group: str, weight: float) -> None:
    number = isinstance(weight, int | float) and not isinstance(weight, bool)
    if number and LEAST <= weight <= 1:
        return
    raise InputError(
        f"the weight of {column}={group} must be in [{LEAST:g}, 1], got {weight!r}: above 1 it "
        "would raise the sensitivity; divide all weights by the largest"
    )
