"""One column's code book: public bins or categories, missing as a code of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dpsynth.errors import InputError, SchemaError
from dpsynth.schema import Column, Kind

MISSING = "(missing)"
OTHER = "other"
ANY = (-np.inf, np.inf)
UNKNOWN = -1  # inside `encode` only: fits nowhere


@dataclass(frozen=True, kw_only=True)
class Field:
    """One column's code book. All public.

    Codes are 0..size-1: first `atoms`, then the bins between `edges` (or the categories,
    "other" last), and last of all missing if it is allowed.

    Attributes:
        name: the column's name; "(gap)" and "(start)" are the clock's.
        column: its schema.
        edges: (bins + 1,) increasing bin edges, for numbers and counts.
        categories: text of each category code, for categories and booleans.
    """

    name: str
    column: Column
    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many codes there are."""
        values = len(self.column.atoms) + max(len(self.edges) - 1, 0) + len(self.categories)
        return values + self.column.missing

    @property
    def labels(self) -> list[str]:
        """What each code means, for tables and `--where`."""
        named = [f"{a:g}" for a in self.column.atoms] + list(self.categories)
        spans = zip(self.edges, self.edges[1:], strict=False)
        named += [f"[{low:g}, {high:g})" for low, high in spans]
        return named + [MISSING] * self.column.missing

    def encode(self, values: pd.Series) -> np.ndarray:
        """Codes of cleaned values; what fits nowhere is missing, or the nearest bin.

        NOTE: a value that must not be missing but is takes code 0, never an error: an error
        would tell that such a patient exists.
        """
        if self.categories:
            book = pd.Index(self.categories, dtype=object)
            codes = book.get_indexer(pd.Index(values, dtype=object)).astype(np.int16)
            if self.column.other:
                codes[(codes < 0) & values.notna().to_numpy()] = len(self.categories) - 1
        else:
            codes = self._bin(values.to_numpy(dtype=np.float64))
        codes[codes < 0] = self.size - 1 if self.column.missing else 0
        return codes

    def code_of(self, text: str) -> int:
        """The code that a value stands in, for `--where`.

        Raises:
            InputError: if the text is no value of the column.
        """
        if text == MISSING and self.column.missing:
            return self.size - 1
        if self.categories:
            if text not in self.categories:
                known = ", ".join(self.categories)
                raise InputError(f"column {self.name!r} has the values {known}, got {text!r}")
            return self.categories.index(text)
        try:
            value = float(text)
        except ValueError as error:
            raise InputError(f"column {self.name!r} holds numbers, got {text!r}") from error
        if not self.edges[0] <= value <= self.edges[-1]:
            raise InputError(
                f"column {self.name!r} lies in [{self.edges[0]:g}, {self.edges[-1]:g}], got {text}"
            )
        return int(self._bin(np.array([value]))[0])

    def _bin(self, values: np.ndarray) -> np.ndarray:
        atoms, known = len(self.column.atoms), ~np.isnan(values)
        bins = np.searchsorted(self.edges, values, side="right") - 1
        codes = (np.clip(bins, 0, len(self.edges) - 2) + atoms).astype(np.int16)
        for place, atom in enumerate(self.column.atoms):
            codes[values == atom] = place
        codes[~known] = UNKNOWN
        return codes

    def decode(
        self, codes: np.ndarray, rng: np.random.Generator, within: tuple[float, float] = ANY
    ) -> pd.Series:
        """Values for codes; numbers are drawn inside their bin without touching data.

        Uniform on a linear scale, uniform in the logarithm on a log scale; counts are whole.

        Args:
            codes: of this field.
            rng: source.
            within: closed range that the values of a bin lie in, if the bin meets it.
        """
        if self.categories:
            names = np.array([*self.categories, None, None], dtype=object)
            return pd.Series(names[np.minimum(codes, len(self.categories))], dtype=object)
        atoms, edges = np.array(self.column.atoms), np.array(self.edges)
        values = np.full(len(codes), np.nan)
        if len(atoms):
            values = np.where(codes < len(atoms), atoms[np.minimum(codes, len(atoms) - 1)], values)
        bins = codes - len(atoms)
        inside = (bins >= 0) & (bins < len(edges) - 1)
        low, high = edges[bins[inside]], edges[bins[inside] + 1]
        values[inside] = self._draw(low, high, rng.random(int(inside.sum())), within)
        return pd.Series(values)

    def codes_in(self, low: float, high: float) -> list[int]:
        """Codes some of whose values lie in a closed range of numbers."""
        atoms = self.column.atoms
        found = [code for code, atom in enumerate(atoms) if low <= atom <= high]
        low, high = max(low, self.edges[0]), min(high, self.edges[-1])
        if low > high:
            return found
        starts, ends = np.array(self.edges[:-1]), np.array(self.edges[1:])
        if self.column.type is Kind.COUNT:
            first, last = self._whole(starts, ends)
            meets = np.maximum(first, np.ceil(low)) <= np.minimum(last, np.floor(high))
        else:
            meets = np.maximum(starts, low) < np.minimum(ends, high)
        found += [len(atoms) + int(place) for place in np.flatnonzero(meets)]
        if not found and self.column.type is Kind.NUMBER:
            found = [self.code_of(repr(low))]  # a range that is one point, or a bin's edge
        return found

    def _whole(self, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """First and last whole number that is drawn in bins of a count."""
        first, last = np.ceil(low), np.maximum(np.ceil(high) - 1, np.ceil(low))
        top = np.ceil(self.edges[-2]) == first  # the last bin is closed
        last = np.where(top & (high == self.edges[-1]), np.floor(high), last)
        # A bin's values are those that are not atoms.
        first += np.isin(first, self.column.atoms) & (first < last)
        last -= np.isin(last, self.column.atoms) & (first < last)
        return first, last

    def _draw(
        self, low: np.ndarray, high: np.ndarray, share: np.ndarray, within: tuple[float, float]
    ) -> np.ndarray:
        if self.column.type is Kind.COUNT:
            first, last = self._whole(low, high)
            first, last = met(first, last, (np.ceil(within[0]), np.floor(within[1])))
            if self.column.scale == "log":
                grown = np.expm1(np.log1p(first) + share * (np.log1p(last + 1) - np.log1p(first)))
                return np.clip(np.floor(grown), first, last)
            return np.floor(first + share * (last - first + 1))
        low, high = met(low, high, within)
        if self.column.scale == "log":
            drawn = unlog(symlog(low) + share * (symlog(high) - symlog(low)))
        else:
            drawn = low + share * (high - low)
        return np.clip(drawn, low, high)  # not a rounding error beyond


def met(
    low: np.ndarray, high: np.ndarray, within: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """What intervals share with a range; an interval that shares nothing stays as it is."""
    from_, to = np.maximum(low, within[0]), np.minimum(high, within[1])
    shared = from_ <= to
    return np.where(shared, from_, low), np.where(shared, to, high)


def symlog(values: np.ndarray | float) -> np.ndarray:
    """Sign-keeping log(1 + |x|), for amounts over several orders of magnitude."""
    return np.sign(values) * np.log1p(np.abs(values))


def unlog(values: np.ndarray) -> np.ndarray:
    """Inverse of `symlog`."""
    return np.sign(values) * np.expm1(np.abs(values))


def field(name: str, column: Column) -> Field:
    """The code book of a column whose bounds, bins or categories are public.

    Raises:
        SchemaError: if they are not.
    """
    if column.type is Kind.BOOLEAN:
        return Field(name=name, column=column, categories=("false", "true"))
    if column.type is Kind.CATEGORY:
        if column.categories is None:
            raise SchemaError(f"column {name!r} lacks categories; list them or set private: true")
        others = (OTHER,) if column.other and OTHER not in column.categories else ()
        return Field(name=name, column=column, categories=column.categories + others)
    if column.bounds is None:
        raise SchemaError(f"column {name!r} lacks bounds; state them or set private: true")
    low, high = column.bounds
    if isinstance(column.bins, tuple):
        inner = [edge for edge in column.bins if low < edge < high]
        return Field(name=name, column=column, edges=(low, *inner, high))
    bins = column.bins or 16
    if column.scale == "log":
        edges = unlog(np.linspace(symlog(low), symlog(high), bins + 1))
        edges[0], edges[-1] = low, high  # not a rounding error beyond
    else:
        edges = np.linspace(low, high, bins + 1)
    if column.type is Kind.COUNT:
        # A count's bins are cut at whole numbers, so that no bin is empty of values.
        edges = np.unique(np.round(edges))
        edges = np.append(edges[:-1], high) if len(edges) > 1 else np.array([low, low + 1])
    return Field(name=name, column=column, edges=tuple(float(e) for e in edges))
