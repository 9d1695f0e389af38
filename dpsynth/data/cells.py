"""Cells to clean values: numbers inside bounds, categories out of a list, keys as text.

No cell ever stops a reader: what can't be read is missing, and counted for the steward. What
becomes of a cell depends on that cell and the schema alone, never on other rows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dpsynth.data.groups import grouping
from dpsynth.data.notes import Notes
from dpsynth.data.spreadsheet import original
from dpsynth.schema import Column, Kind

OTHER = "other"
MISSING_WORDS = frozenset({"", "na", "n/a", "nan", "null", "none", "<na>", "nat"})
TRUE = frozenset({"1", "true", "yes", "y", "t"})
FALSE = frozenset({"0", "false", "no", "n", "f"})
BOOLEANS = {"false": "false", "true": "true"}  # what the writer writes
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def distinct(column: pa.ChunkedArray) -> tuple[np.ndarray, list[Any]]:
    """Each row's place in a list of distinct values; -1 is null."""
    if len(column) == 0 or pa.types.is_null(column.type):
        return np.full(len(column), -1), []
    if pa.types.is_dictionary(column.type):
        coded = column.unify_dictionaries().combine_chunks()
    else:
        if pa.types.is_string(column.type):
            column = column.cast(pa.large_string())  # text over 2 GiB
        coded = column.dictionary_encode().combine_chunks()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.chunk(0)
    index = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    values = [original(v) if isinstance(v, str) else v for v in coded.dictionary.to_pylist()]
    nulls = np.array([value is None for value in values] + [True])
    index[nulls[index]] = -1
    return index, values


def floats(column: pa.ChunkedArray) -> np.ndarray:
    """Each row as a number; NaN is null, unreadable or infinite."""
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        found = column.cast(pa.float64(), safe=False).to_numpy().astype(np.float64)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        found = _parsed(column)
    else:
        found = _each_parsed(column)
    return np.where(np.isfinite(found), found, np.nan)


def _parsed(column: pa.ChunkedArray) -> np.ndarray:
    """Text as numbers, all at once if every cell is one."""
    bare = pc.utf8_trim_whitespace(column)
    try:
        known = pc.if_else(pc.equal(bare, ""), None, bare).cast(pa.float64())
    except pa.ArrowInvalid:
        return _each_parsed(column)
    return known.to_numpy().astype(np.float64)


def _each_parsed(column: pa.ChunkedArray) -> np.ndarray:
    index, values = distinct(column)
    return np.array([*map(_to_float, values), np.nan], dtype=np.float64)[index]


def _to_float(value: Any) -> float:
    if isinstance(value, str):
        word = value.strip()
        return float(word) if _NUMBER.fullmatch(word) else math.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def plain(value: Any) -> str:
    """A code as text, the same for 1, 1.0, "1" and " 1.0 "."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    word = str(value).strip()
    if _NUMBER.fullmatch(word):
        number = float(word)
        if number.is_integer() and abs(number) < 2**53:
            return str(int(number))
        return repr(number)
    return word


def keys(column: pa.ChunkedArray) -> tuple[np.ndarray, list[str | None]]:
    """Each row's place in a list of patient keys as text; 12.0 is 12, but 012 stays 012."""
    index, values = distinct(column)
    return index, [*map(_key, values), None]


def _key(value: Any) -> str | None:
    if isinstance(value, float):
        return plain(value) if math.isfinite(value) else None
    word = re.sub(r"^([+-]?\d+)\.0+$", r"\1", str(value).strip())
    return word or None


def numbers(found: np.ndarray, rule: Column, place: str, notes: Notes) -> np.ndarray:
    """Numbers held to the schema: missing codes, whole counts, bounds."""
    found = found.copy()
    codes = [float(m) for m in map(_to_float, rule.missing_values) if math.isfinite(m)]
    found[np.isin(found, codes)] = np.nan
    if rule.type is Kind.COUNT:
        found = np.rint(found)
    if rule.bounds is not None:
        low, high = rule.bounds
        outside = (found < low) | (found > high)
        notes.add(place, f"values outside the bounds ({rule.outside})", outside.sum())
        found = (
            np.where(outside, np.nan, found) if rule.outside == "drop" else found.clip(low, high)
        )
    return found


def categories(values: Sequence[Any], rule: Column) -> tuple[list[str | None], list[bool]]:
    """What each distinct value becomes, and whether it was not in the public list."""
    look = _lexicon(rule)
    found = [look(value) for value in values]
    return [name for name, _ in found], [strange for _, strange in found]


def _lexicon(rule: Column) -> Callable[[Any], tuple[str | None, bool]]:
    exact = _meanings(rule)
    fold = str.lower if rule.type is Kind.BOOLEAN else str
    loose: dict[str, str] = {}
    for name, meant in exact.items():
        loose.setdefault(fold(plain(name)), meant)
    gone = {plain(code) for code in rule.missing_values}
    group = grouping(rule.groups or {})
    free = rule.private and rule.categories is None and rule.type is Kind.CATEGORY

    def look(value: Any) -> tuple[str | None, bool]:
        word = plain(value)
        if word in gone:
            return None, False
        name = exact.get(str(value)) or loose.get(fold(word)) or group(word)
        if name is not None:
            return name, False
        if word.lower() in MISSING_WORDS:
            return None, False
        return (word, False) if free else (OTHER if rule.other else None, True)

    return look


def _meanings(rule: Column) -> dict[str, str]:
    """Text in the file to the name in the records."""
    if rule.type is not Kind.BOOLEAN:
        names = (*(rule.categories or ()), *((OTHER,) if rule.other else ()))
        return {name: name for name in names}
    if rule.categories is not None:
        return {rule.categories[0]: "false", rule.categories[1]: "true"} | BOOLEANS
    return dict.fromkeys(FALSE, "false") | dict.fromkeys(TRUE, "true")


def clean(column: pa.ChunkedArray, rule: Column, place: str, notes: Notes) -> np.ndarray:
    """A whole column as the canonical records hold it: float64, or text and None."""
    if rule.type in (Kind.NUMBER, Kind.COUNT):
        found = floats(column)
        notes.add(place, "cells that are not numbers (missing)", _unreadable(column, found, rule))
        return numbers(found, rule, place, notes)
    index, values = distinct(column)
    return named(index, values, rule, place, notes)


def named(
    index: np.ndarray, values: Sequence[Any], rule: Column, place: str, notes: Notes
) -> np.ndarray:
    """Categories of rows that point into distinct values."""
    names, unseen = categories(values, rule)
    strange = np.array([*unseen, False])[index]
    notes.add(
        place, f"values not in the list ({OTHER if rule.other else 'missing'})", strange.sum()
    )
    return np.array([*names, None], dtype=object)[index]


def _unreadable(column: pa.ChunkedArray, found: np.ndarray, rule: Column) -> int:
    """How many cells hold something, but no number and no missing code."""
    lost = np.isnan(found)
    if pa.types.is_integer(column.type) or not lost.any():
        return 0
    gone = {plain(code) for code in rule.missing_values}
    index, values = distinct(column.filter(pa.array(lost)))
    strange = [plain(v).lower() not in MISSING_WORDS and plain(v) not in gone for v in values]
    return int(np.array([*strange, False])[index].sum())
