"""What the data are: public facts only, frozen and self-checking.

A schema never holds anything that was read from a value unless the steward said
`--assume-public`, which `assumed_public` records and the privacy card shows.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from dpsynth.errors import SchemaError


class Kind(StrEnum):
    """How a column's values are read, binned and written."""

    NUMBER = "number"  # real, binned inside its bounds
    COUNT = "count"  # whole number >= bounds[0], written as an integer
    CATEGORY = "category"  # text or code out of a public list
    BOOLEAN = "boolean"


class Strict(BaseModel):
    """Base: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=False)


class Column(Strict):
    """One column of the canonical records.

    Attributes:
        type: how values are read, binned and written.
        unit: physical unit, for the reader.
        per: "patient" for a fact that does not change over visits (first value is kept).
        bounds: closed public interval, in `unit`; values outside are clipped or dropped.
        bins: number of bins between the bounds, or their inner edges (increasing).
        scale: how `bins` equal bins are laid out: "linear" or "log" (symmetric log around 0).
        atoms: values with a bin of their own, such as 0 for money that is often nothing.
        categories: public list; a value outside it becomes `other`.
        other: whether a category "other" is added for unseen values.
        missing: whether a value may be missing; missing is then a category of its own.
        missing_values: what else means missing in the file, such as "?" or -1.
        outside: what happens to a value outside the bounds: "clip" it or "drop" it (to missing).
        private: bounds, bins or categories are found by a charged mechanism.
        value: how an event stream is summed up in a window.
        sensitive: attribute whose subgroups are audited.
        identifier: dropped before anything else sees it.
    """

    type: Kind
    unit: str | None = None
    per: Literal["patient", "visit"] | None = None
    bounds: tuple[float, float] | None = None
    bins: int | tuple[float, ...] | None = None
    scale: Literal["linear", "log"] = "linear"
    atoms: tuple[float, ...] = ()
    categories: tuple[str, ...] | None = None
    other: bool = False
    missing: bool = True
    missing_values: tuple[str | float, ...] = ()
    outside: Literal["clip", "drop"] = "clip"
    private: bool = False
    value: Literal["mean", "last", "first", "min", "max", "count"] = "mean"
    sensitive: bool = False
    identifier: bool = False


class Clock(Strict):
    """The time axis of a visits or events table.

    Attributes:
        column: name in the file.
        kind: "number" (in `unit`), "date" (turned into days since the patient's first visit)
            or "order" (only the order means anything; no gaps are modelled).
        unit: of a number, and of gaps: "minutes", "hours", "days" or "years".
        gap: public bins of the time since the visit before (a NUMBER column), none for a
            regular grid or an order.
        start: public bins of the first visit's time (number clocks only), or none: starts at 0.
    """

    column: str
    kind: Literal["number", "date", "order"] = "number"
    unit: Literal["minutes", "hours", "days", "years"] = "days"
    gap: Column | None = None
    start: Column | None = None


class Table(Strict):
    """One file (or several with the same columns).

    Attributes:
        shape: one row per patient; per patient and time; or per patient, time and code.
        key: column with the patient key.
        time: the clock of a visits or events table.
        code, number: names of an events table's code and numeric value columns.
        every: window of an events table, such as "6h"; each window is a visit.
        span: how much time is windowed, such as "48h"; windows past it are dropped.
        empty: whether windows without events stay ("keep": a regular grid, needs `span`).
        columns: by name in the file (events: by code).
    """

    shape: Literal["static", "visits", "events"]
    key: str
    time: Clock | None = None
    code: str | None = None
    number: str | None = None
    every: str | None = None
    span: str | None = None
    empty: Literal["keep", "drop"] = "drop"
    columns: dict[str, Column]


class Label(Strict):
    """What is predicted in utility measures.

    Attributes:
        column: a per-patient column, or a visits column (then of the last visit).
        positive: the category that counts as 1, or
        above: values above this public threshold count as 1.
        given: for a visits column, what may be used: "before" (statics and earlier visits)
            or "same" (also the other columns of the visit itself, every visit a sample).
    """

    column: str
    positive: str | None = None
    above: float | None = None
    given: Literal["before", "same"] = "before"


class Schema(Strict):
    """All public facts of one data set.

    Attributes:
        name: of the data set.
        unit: the word for what is protected: "patient", "ICU stay", "lesion".
        population: public number of units, or "private" (a charged count), or none.
        max_visits: the most visits of one unit that are used; later ones are cut.
        tables: by name; a file belongs to the table that has its stem.
        label: what utility measures predict.
        strict: stop on a value, key or duplicate that the schema forbids (a leak: see card).
        assumed_public: facts that were read from values, each named ("tables.x.age.bounds").
    """

    version: Literal[1] = 1
    name: str
    unit: str = "patient"
    population: int | Literal["private"] | None = Field(default=None)
    max_visits: int = 1
    tables: dict[str, Table]
    label: Label | None = None
    strict: bool = False
    assumed_public: tuple[str, ...] = ()

    def columns(self, per: Literal["patient", "visit"]) -> dict[str, Column]:
        """Modelled columns of that level in the schema's order, identifiers left out.

        Raises:
            SchemaError: if two tables hold a column of one name.
        """
        found: dict[str, Column] = {}
        for table in self.tables.values():
            for name, column in table.columns.items():
                level = column.per or ("patient" if table.shape == "static" else "visit")
                if column.identifier or level != per:
                    continue
                if name in found:
                    raise SchemaError(f"column {name!r} stands in two tables; rename one")
                found[name] = column
        return found

    @property
    def clock(self) -> Clock | None:
        """The first visits or events table's clock, or none for static data."""
        return next((t.time for t in self.tables.values() if t.time is not None), None)
