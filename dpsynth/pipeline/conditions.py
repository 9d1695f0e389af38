"""What is asked of synthetic patients: values, ranges, and equal numbers of each category."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dpsynth.data.codec import START, Codec, Tokens
from dpsynth.data.field import ANY, MISSING, Field
from dpsynth.data.records import Records
from dpsynth.errors import InputError

FORM = re.compile(r"\s*(?P<name>[^=<>]+?)\s*(?P<op><=|>=|=|<|>)\s*(?P<value>.+?)\s*")


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What every synthetic patient meets.

    Attributes:
        codes: codes that are allowed, by position among the codec's static fields.
        within: closed ranges of numbers of the patient, by column.
    """

    codes: Mapping[int, tuple[int, ...]]
    within: Mapping[str, tuple[float, float]]

    @property
    def fixed(self) -> dict[int, int]:
        """Fields with one allowed code: the model draws all others given these."""
        return {place: codes[0] for place, codes in self.codes.items() if len(codes) == 1}

    def met(self, tokens: Tokens, codec: Codec, rng: np.random.Generator) -> np.ndarray:
        """Which patients are kept, so that they have the model's law given the conditions.

        A patient in a bin that a range cuts is kept with the chance that a value drawn in that
        bin lies in the range; if no other bin is allowed, always.
        """
        kept = np.ones(len(tokens), dtype=bool)
        for place, allowed in self.codes.items():
            field, codes = codec.static[place], tokens.static[:, place]
            kept &= np.isin(codes, allowed)
            low, high = self.within.get(field.name, ANY)
            if len(allowed) > 1:
                drawn = field.decode(codes, rng).to_numpy(dtype=np.float64)
                kept &= (drawn >= low) & (drawn <= high)
        return kept

    def inside(self, records: Records) -> np.ndarray:
        """Which patients' numbers lie in the ranges."""
        good = np.ones(len(records), dtype=bool)
        for name, (low, high) in self.within.items():
            values = records.static[name].to_numpy(dtype=np.float64)
            good &= (values >= low) & (values <= high)
        return good

    def and_code(self, place: int, code: int) -> Conditions:
        """The same, and a field's code."""
        return Conditions(codes={**self.codes, place: (code,)}, within=self.within)


def conditions(where: Sequence[str], codec: Codec) -> Conditions:
    """What `--where` asks for; several ranges on one column combine.

    Raises:
        InputError: on a condition that names no per-patient column, no value of it, or that
            nobody can meet.
    """
    fixed: dict[int, int] = {}
    within: dict[int, tuple[float, float]] = {}
    for text in where:
        match = FORM.fullmatch(text)
        if match is None:
            raise InputError(f"a condition reads column=value or column>=number, got {text!r}")
        place = static_place(match["name"], codec, "a condition")
        field = codec.static[place]
        if match["op"] == "=":
            if place in fixed:
                raise InputError(f"two conditions on column {field.name!r}")
            fixed[place] = field.code_of(match["value"])
        else:
            new, old = _range(match["op"], match["value"], field), within.get(place, ANY)
            within[place] = max(new[0], old[0]), min(new[1], old[1])
    codes: dict[int, tuple[int, ...]] = {place: (code,) for place, code in fixed.items()}
    for place, span in within.items():
        field = codec.static[place]
        allowed = [c for c in field.codes_in(*span) if fixed.get(place, c) == c]
        if not allowed:
            raise InputError(f"nobody can meet all conditions on column {field.name!r}")
        codes[place] = tuple(allowed)
    named = {codec.static[place].name: span for place, span in within.items()}
    return Conditions(codes=codes, within=named)


def static_place(name: str, codec: Codec, what: str) -> int:
    """Position of a per-patient column.

    Raises:
        InputError: if there is none of that name.
    """
    names = [field.name for field in codec.static]
    if name not in names or name == START:
        known = ", ".join(n for n in names if n != START)
        raise InputError(f"{what} needs a per-patient column ({known}), got {name!r}")
    return names.index(name)


def _range(sign: str, text: str, field: Field) -> tuple[float, float]:
    """The closed range of numbers that a comparison leaves."""
    if field.categories:
        raise InputError(f"column {field.name!r} has categories, not a range; use = not {sign}")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"column {field.name!r} holds numbers, got {text!r}")
    if sign[0] == ">":
        return value if sign == ">=" else math.nextafter(value, math.inf), math.inf
    return -math.inf, value if sign == "<=" else math.nextafter(value, -math.inf)


def balanced(column: str, codec: Codec, given: Conditions) -> tuple[int, list[int]]:
    """Position and codes of a column whose categories are to be equally many.

    Raises:
        InputError: if it has no categories, or a condition is on it.
    """
    place = static_place(column, codec, "balance")
    field = codec.static[place]
    if not field.categories:
        raise InputError(f"balance needs a column with categories, {column!r} holds numbers")
    if place in given.codes:
        raise InputError(f"column {column!r} has a condition and can't be balanced; choose one")
    return place, [code for code, label in enumerate(field.labels) if label != MISSING]


def even_parts(patients: int, parts: int, rng: np.random.Generator) -> np.ndarray:
    """As equal parts as can be; who gets one more is drawn.

    Shape:
        return: (parts,) int, adds up to `patients`
    """
    more = rng.permutation(parts) < patients % parts
    return np.full(parts, patients // parts) + more
