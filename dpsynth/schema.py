"""What the data are: public facts only, frozen and self-checking.

A schema never holds anything that was read from a value unless the steward said
`--assume-public`, which `assumed_public` records and the privacy card shows.

A mistake raises a `SchemaError` of one line that names the place, the value and the cure,
whether the schema comes from a file (`dpsynth.data.schema_file`) or is built in Python.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from dpsynth import schema_checks as checks
from dpsynth import schema_errors, schema_joins
from dpsynth.errors import SchemaError

Whole = Annotated[int, Field(strict=True, ge=1)]


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
        type: how values are read, binned and written. Booleans read 0/1, true/false, yes/no,
            y/n and t/f in any case, or else the two `categories` (false first).
        unit: physical unit, for the reader.
        source: name in the file (events: the code), where it is not the column's own name.
        per: "patient" for a fact that does not change over visits (first known value is kept).
        bounds: closed public interval, in `unit`; values outside are clipped or dropped.
        bins: number of bins between the bounds, or their inner edges (increasing).
        scale: how `bins` equal bins are laid out: "linear" or "log" (symmetric log around 0).
        atoms: values with a bin of their own, such as 0 for money that is often nothing.
        categories: public list; a value outside it becomes `other`.
        groups: public mapping of code prefixes ("250", "V") and code ranges ("390-459",
            "E10-E14") to categories; the longest prefix wins, then the narrowest range.
        other: whether a category "other" is added for unseen values.
        missing: whether a value may be missing; missing is then a category of its own.
        missing_values: what else means missing in the file, such as "?" or -1.
        outside: what happens to a value outside the bounds: "clip" it or "drop" it (to missing).
        private: bounds, bins or categories are found by a charged mechanism.
        value: how an event stream is summed up in a window; none is "mean" for numbers, "last"
            for categories and booleans, "first" for facts of the patient. "sum" and "count" are
            held to the bounds after summing. A category takes "last" or "first"; a boolean also
            "count", which means: did such an event occur.
        sensitive: attribute whose subgroups are audited.
        identifier: dropped before anything else sees it.
        tag: keyword of the DICOM tag, such as "PatientSex", that says it where the table has no
            such column; an age is in years. Every tag that no column claims is dropped.
        formula: what it is computed from, such as "weight / (height * height)": numbers and
            counts by + - * /, a boolean by one comparison. It is not modelled: its column in
            the file is dropped, and is computed when synthetic records are written.
    """

    type: Kind
    unit: str | None = None
    source: str | None = None
    per: Literal["patient", "visit"] | None = None
    bounds: tuple[float, float] | None = None
    bins: int | tuple[float, ...] | None = None
    scale: Literal["linear", "log"] = "linear"
    atoms: tuple[float, ...] = ()
    categories: tuple[str, ...] | None = None
    groups: dict[str, str] | None = None
    other: bool = False
    missing: bool = True
    missing_values: tuple[str | float, ...] = ()
    outside: Literal["clip", "drop"] = "clip"
    private: bool = False
    value: Literal["mean", "last", "first", "min", "max", "count", "sum"] | None = None
    sensitive: bool = False
    identifier: bool = False
    tag: str | None = None
    formula: str | None = None

    @field_validator("categories", mode="before")
    @classmethod
    def _codes_are_text(cls, given: Any) -> Any:
        return checks.texts(given)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        checks.column(self)
        return self


class Clock(Strict):
    """The time axis of a visits or events table.

    Attributes:
        column: name in the file.
        kind: "number" (in `unit`), "date" (turned into time since the patient's first visit,
            in `unit`; the calendar is dropped) or "order" (only the order means anything; no
            gaps are modelled).
        unit: of a number, and of gaps: "minutes", "hours", "days" or "years".
        format: of a date's text, in strptime's letters; ISO 8601 if none.
        gap: public bins of the time since the visit before (a NUMBER or COUNT column), none
            for a regular grid or an order.
        start: public bins of the first visit's time (number clocks only), or none: starts at 0.
    """

    column: str
    kind: Literal["number", "date", "order"] = "number"
    unit: Literal["minutes", "hours", "days", "years"] = "days"
    format: str | None = None
    gap: Column | None = None
    start: Column | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        checks.clock(self)
        return self


class Picture(Strict):
    """The picture that each row of a visits table has, and how it is framed: public numbers.

    Attributes:
        file: column that names the picture's file (it may be the time column). An `.npz` of
            the MedMNIST layout has the columns `image`, `patient` (each image is one of its
            own) and `label` (`label_1`, ... where a picture has several).
        splits: of an `.npz`, those that are read.
        dicom: files may be DICOM: their first frame is taken, and of their tags those alone
            that columns claim. A folder of such files needs no table: `key` is then a tag, such
            as PatientID. Text that is burned into pixels is not removed.
        folder: where files lie, from the table's own folder.
        suffix: what stands after the name, such as ".jpg".
        size: pixels of the square that pictures are brought to, 8 to 128.
        channels: 1 for grey, 3 for red, green, blue.
        window: stored values that become black and white; none is all that the file's type
            can hold. Never read from a picture.
        fit: how a picture that is no square becomes one: its middle is cut out, black is put
            beside it, or it is stretched.
        upright: whether pictures have a way up, as a chest has. Of others, such as skin or cells,
            it is public knowledge that each is as likely turned or mirrored: models then make
            all eight ways alike, and their noise is a quarter or less.
        skip_unreadable: drop a visit whose file can't be read; else reading stops.
    """

    file: str
    folder: str = "."
    suffix: str = ""
    splits: tuple[Literal["train", "val", "test"], ...] = ("train",)
    dicom: bool = False
    size: Annotated[int, Field(strict=True, ge=8, le=128)] = 28
    channels: Literal[1, 3] = 1
    window: tuple[float, float] | None = None
    fit: Literal["crop", "pad", "stretch"] = "crop"
    upright: bool = True
    skip_unreadable: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Self:
        checks.picture(self)
        return self


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
        other_codes: what happens to events whose code is not among the columns: "ignore"
            them, or "note" how many there are.
        ignore: columns of the file that are not wanted.
        picture: of each row, in a visits table.
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
    other_codes: Literal["ignore", "note"] = "note"
    ignore: tuple[str, ...] = ()
    picture: Picture | None = None
    columns: dict[str, Column]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        checks.table(self)
        return self

    @property
    def modelled(self) -> dict[str, Column]:
        """Columns that records hold: neither identifiers nor computed ones."""
        return {
            name: column
            for name, column in self.columns.items()
            if not column.identifier and column.formula is None
        }

    def level(self, column: Column) -> Literal["patient", "visit"]:
        """Whether a column of this table is a fact of the patient or of the visit."""
        return column.per or ("patient" if self.shape == "static" else "visit")

    @property
    def window(self) -> float:
        """Length of an events table's window, in the clock's unit."""
        assert self.every is not None and self.time is not None
        return checks.minutes(self.every) / checks.MINUTES[self.time.unit]

    @property
    def windows(self) -> int | None:
        """How many windows the span holds, or none without a span."""
        if self.span is None or self.every is None:
            return None
        return -int(-checks.minutes(self.span) // checks.minutes(self.every))


class Label(Strict):
    """What is predicted in utility measures.

    Attributes:
        column: a per-patient column, or a visits column (then of the last visit).
        positive: the category that counts as 1 ("true" or "false" of a boolean), or
        above: values above this public threshold count as 1.
        given: for a visits column, what may be used: "before" (statics and earlier visits)
            or "same" (also the other columns of the visit itself, every visit a sample).
    """

    column: str
    positive: str | None = None
    above: float | None = None
    given: Literal["before", "same"] = "before"

    @field_validator("positive", mode="before")
    @classmethod
    def _code_is_text(cls, given: Any) -> Any:
        return checks.text(given)


class Survival(Strict):
    """A time until an event, for curves of survival in fidelity measures.

    Attributes:
        time: a per-patient number or count, from 0 on: until the event, or until a patient was
            last seen without it.
        event: a per-patient boolean: whether the event was seen.
    """

    time: str
    event: str


class Schema(Strict):
    """All public facts of one data set.

    Attributes:
        name: of the data set.
        unit: the word for what is protected: "patient", "ICU stay", "lesion".
        population: public number of units, or "private" (a charged count), or none.
        max_visits: the most visits of one unit that are used; later ones are cut. A visits
            table needs it; the span of an events table gives it.
        tables: by name; a file belongs to the table that has its stem.
        label: what utility measures predict.
        survival: the columns that hold a time until an event, or none.
        rules: what is true of every patient, held by generation exactly, each a line of text:
            "COLUMN never falls" (or "never rises") over a patient's visits, "no visit after
            COLUMN == VALUE", or a comparison such as "discharge >= admission". A rule about a
            missing value holds. See `dpsynth.schema_rules`.
        strict: stop on a value, key or duplicate that the schema forbids (a leak: see card).
        assumed_public: facts that were read from values, each named ("tables.x.age.bounds").

    Raises:
        SchemaError: one line that names the place, the value and the cure.
    """

    version: Literal[1] = 1
    name: str
    unit: str = "patient"
    population: Whole | Literal["private"] | None = Field(default=None)
    max_visits: Whole = 1
    tables: dict[str, Table] = Field(min_length=1)
    label: Label | None = None
    survival: Survival | None = None
    rules: tuple[str, ...] = ()
    strict: bool = False
    assumed_public: tuple[str, ...] = ()

    @model_validator(mode="wrap")
    @classmethod
    def _one_line(cls, given: Any, build: ModelWrapValidatorHandler[Self]) -> Self:
        """Turn pydantic's many lines into one of ours."""
        schema_errors.blanks(given)
        try:
            schema = build(given)
        except ValidationError as error:
            raise SchemaError(schema_errors.explain(error, given)) from None
        visits = schema_joins.visits(schema)
        object.__setattr__(schema, "max_visits", visits)  # frozen: set once, before anyone sees
        schema_joins.schema(schema)
        return schema

    @model_serializer(mode="wrap")
    def _with_visits(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Keep `max_visits` when defaults are left out: a visits table must state it."""
        return {**plain(self), "max_visits": self.max_visits}

    def columns(self, per: Literal["patient", "visit"]) -> dict[str, Column]:
        """Modelled columns of that level in the schema's order.

        Raises:
            SchemaError: if two tables hold a column of one name.
        """
        found: dict[str, Column] = {}
        for table in self.tables.values():
            for name, column in table.modelled.items():
                if table.level(column) != per:
                    continue
                if name in found:
                    raise SchemaError(
                        f"column {name!r} stands in two tables; rename one and give its "
                        f"name in the file as `source: {name}`"
                    )
                found[name] = column
        return found

    @property
    def picture(self) -> Picture | None:
        """That of the table which has one, or none."""
        return next((t.picture for t in self.tables.values() if t.picture is not None), None)

    @property
    def clock(self) -> Clock | None:
        """The first visits or events table's clock, or none for static data."""
        return next((t.time for t in self.tables.values() if t.time is not None), None)
