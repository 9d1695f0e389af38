"""What is asked of synthetic patients: values, ranges, and equal numbers of each category."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from dpsynth.data.codec import GAP, START, Codec, Tokens
from dpsynth.data.field import ANY, MISSING, Field
from dpsynth.data.named_groups import codes_of
from dpsynth.data.records import Records
from dpsynth.errors import InputError

FORM = re.compile(r"\s*(?P<name>[^=<>]+?)\s*(?P<op><=|>=|=|<|>)\s*(?P<value>.+?)\s*")


class Place(NamedTuple):
    """Which of the codec's fields: per visit or static, and its position there."""

    per_visit: bool
    at: int


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What every synthetic patient meets.

    Attributes:
        codes: codes that are allowed, by position among the codec's static fields.
        within: closed ranges of numbers of the patient, by column.
        visit: codes that are allowed in the one visit of a patient, by position among the
            codec's visit fields; nobody without a visit meets them.
    """

    codes: Mapping[int, tuple[int, ...]]
    within: Mapping[str, tuple[float, float]]
    visit: Mapping[int, tuple[int, ...]] = field(default_factory=dict)

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
            if len(allowed) > 1 and not field.categories:
                drawn = field.decode(codes, rng).to_numpy(dtype=np.float64)
                kept &= (drawn >= low) & (drawn <= high)
        for at, allowed in self.visit.items():
            kept &= (tokens.length > 0) & np.isin(tokens.visits[:, 0, at], allowed)
        return kept

    def inside(self, records: Records) -> np.ndarray:
        """Which patients' numbers lie in the ranges."""
        good = np.ones(len(records), dtype=bool)
        for name, (low, high) in self.within.items():
            values = records.static[name].to_numpy(dtype=np.float64)
            good &= (values >= low) & (values <= high)
        return good

    def and_codes(self, place: Place, codes: tuple[int, ...]) -> Conditions:
        """The same, and codes of one more field that are allowed."""
        if place.per_visit:
            return replace(self, visit={**self.visit, place.at: codes})
        return replace(self, codes={**self.codes, place.at: codes})


def conditions(where: Sequence[str], codec: Codec) -> Conditions:
    """What `--where` asks for; several ranges on one column combine.

    A column of the visit may be asked for where each patient has at most one visit.

    Raises:
        InputError: on a condition that names no such column, no value of it, or that nobody
            can meet.
    """
    fixed: dict[Place, int] = {}
    within: dict[int, tuple[float, float]] = {}
    for text in where:
        match = FORM.fullmatch(text)
        if match is None:
            raise InputError(f"a condition reads column=value or column>=number, got {text!r}")
        place = place_of(match["name"], codec, "a condition")
        field = field_at(place, codec)
        if match["op"] == "=":
            if place in fixed:
                raise InputError(f"two conditions on column {field.name!r}")
            fixed[place] = field.code_of(match["value"])
        else:
            new, old = _range(match["op"], match["value"], field), within.get(place.at, ANY)
            if place.per_visit:
                raise InputError(
                    f"column {field.name!r} is of the visit and takes = alone, not {match['op']}; "
                    "ranges are of per-patient columns"
                )
            within[place.at] = max(new[0], old[0]), min(new[1], old[1])
    codes = {place.at: (code,) for place, code in fixed.items() if not place.per_visit}
    visit = {place.at: (code,) for place, code in fixed.items() if place.per_visit}
    allowed: dict[int, tuple[int, ...]] = dict(codes)
    for at, span in within.items():
        field = codec.static[at]
        some = [c for c in field.codes_in(*span) if codes.get(at, (c,)) == (c,)]
        if not some:
            raise InputError(f"nobody can meet all conditions on column {field.name!r}")
        allowed[at] = tuple(some)
    named = {codec.static[at].name: span for at, span in within.items()}
    return Conditions(codes=allowed, within=named, visit=visit)


def place_of(name: str, codec: Codec, what: str) -> Place:
    """Where a column of the patient stands, or one of the visit where nobody has two.

    Raises:
        InputError: if there is none of that name, or it is of one visit among several.
    """
    static = [field.name for field in codec.static if field.name != START]
    visit = [field.name for field in codec.visit if field.name != GAP]
    single = codec.max_visits == 1
    if name in static:
        return Place(False, [field.name for field in codec.static].index(name))
    if name in visit and single:
        return Place(True, [field.name for field in codec.visit].index(name))
    known = ", ".join([*static, *(visit if single else ())])
    if name in visit:
        raise InputError(
            f"{what} needs a per-patient column ({known or 'the schema has none'}), and {name!r} "
            f"is of the visit, of which a patient may have {codec.max_visits}; say per: patient "
            "in the schema if it never changes, and train again"
        )
    if not known:
        raise InputError(f"{what} needs a column, and the schema has none; got {name!r}")
    raise InputError(f"{what} needs a per-patient column ({known}), got {name!r}")


def field_at(place: Place, codec: Codec) -> Field:
    """The code book of a column."""
    return (codec.visit if place.per_visit else codec.static)[place.at]


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


def balanced(asked: str, codec: Codec, given: Conditions) -> tuple[Place, list[tuple[int, ...]]]:
    """Place of a column, and the codes of each of its groups that are to be equally many.

    Args:
        asked: "COLUMN" for all its categories, or "COLUMN:GROUP,GROUP", where a group is a
            category, or of a number a range "LOW..HIGH" between edges of its bins, or several of
            them with | between.
        codec: of the run.
        given: other conditions.

    Raises:
        InputError: if it has no such groups, two of them meet, or a condition is on it.
    """
    column, colon, listed = asked.partition(":")
    if any(asked == each.name for each in (*codec.static, *codec.visit)):
        column, colon = asked, ""  # a name may hold a colon
    place = place_of(column.strip(), codec, "balance")
    field = field_at(place, codec)
    if place.at in (given.visit if place.per_visit else given.codes):
        raise InputError(f"column {column!r} has a condition and can't be balanced; choose one")
    if colon:
        groups = [
            tuple(code for one in group.split("|") for code in codes_of(field, one.strip()))
            for group in listed.split(",")
        ]
    elif field.categories:
        groups = [(code,) for code, label in enumerate(field.labels) if label != MISSING]
    else:
        raise InputError(
            f"balance needs a column with categories, {column!r} holds numbers; give ranges "
            f"between edges of its bins, as '{column}:..{field.edges[1]:g},{field.edges[1]:g}..'"
        )
    codes = [code for group in groups for code in group]
    if len(set(codes)) < len(codes):
        raise InputError(f"groups that are balanced must not meet, got {asked!r}")
    return place, groups


def cells(asked: Sequence[str], codec: Codec, given: Conditions) -> list[Conditions]:
    """The conditions of each intersection of the groups of all columns that are balanced.

    Raises:
        InputError: see `balanced`; or if a column is named twice.
    """
    found = [given]
    for each in asked:
        # Earlier columns are conditions by now, so naming one twice is refused.
        place, groups = balanced(each, codec, found[0])
        found = [cell.and_codes(place, codes) for cell in found for codes in groups]
    return found


def even_parts(patients: int, parts: int, rng: np.random.Generator) -> np.ndarray:
    """As equal parts as can be; who gets one more is drawn.

    Shape:
        return: (parts,) int, adds up to `patients`
    """
    more = rng.permutation(parts) < patients % parts
    return np.full(parts, patients // parts) + more
