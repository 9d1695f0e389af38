"""Records to tokens and back: public bins and categories, missing as a value of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dpsynth.data.field import ANY, Field, field
from dpsynth.data.records import Records
from dpsynth.schema import Column, Picture, Schema

PAD = -1
GAP = "(gap)"
START = "(start)"


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """Patients as whole numbers.

    Attributes:
        static: (patients, static fields) codes, int16.
        visits: (patients, max_visits, visit fields) codes, int16; PAD after the last visit.
        length: (patients,) number of visits, 0 to max_visits, int16.
        pictures: (patients, max_visits, size, size, channels) uint8, 0 where there is no visit;
            none where the schema has no pictures, or they are still to be drawn.
    """

    static: np.ndarray
    visits: np.ndarray
    length: np.ndarray
    pictures: np.ndarray | None = None

    def __len__(self) -> int:
        """Number of patients."""
        return len(self.length)

    @property
    def inside(self) -> np.ndarray:
        """(patients, max_visits): where there is a visit; in that order records hold them."""
        return np.arange(self.visits.shape[1])[None, :] < self.length[:, None]

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """What there is, by name."""
        return {name: each for name, each in vars(self).items() if each is not None}

    def take(self, patients: np.ndarray) -> Tokens:
        """Those patients, in that order."""
        return Tokens(
            static=self.static[patients],
            visits=self.visits[patients],
            length=self.length[patients],
            pictures=None if self.pictures is None else self.pictures[patients],
        )


@dataclass(frozen=True, kw_only=True)
class Codec:
    """The code books of a schema, and the way between records and tokens.

    Attributes:
        static: fields of a patient.
        visit: fields of a visit; "(gap)" first where the clock has gaps. The code of "(gap)"
            in a first visit means nothing and is 0.
        max_visits: visits per patient that are kept (the first ones).
        regular: every patient has `max_visits` visits by construction (a grid of windows), so
            their number says nothing and is public.
        picture: how the picture of a visit is framed, if visits have one.
    """

    static: tuple[Field, ...]
    visit: tuple[Field, ...]
    max_visits: int
    regular: bool = False
    picture: Picture | None = None

    def encode(self, records: Records) -> Tokens:
        """Tokens of records; visits after `max_visits` are cut."""
        n = len(records)
        static = np.zeros((n, len(self.static)), dtype=np.int16)
        visits = np.full((n, self.max_visits, len(self.visit)), PAD, dtype=np.int16)
        length = np.zeros(n, dtype=np.int16)
        pictures = self._pictures(records)
        frame = records.visits
        if len(frame) and self.max_visits:
            turn = frame.groupby("patient", sort=False).cumcount().to_numpy()
            kept = turn < self.max_visits
            frame, turn = frame[kept], turn[kept]
            patient = frame["patient"].to_numpy()
            length += np.bincount(patient, minlength=n).astype(np.int16)
            first = frame.drop_duplicates("patient").set_index("patient")["time"]
            gaps = frame["time"].diff().where(turn > 0, 0.0)
            for place, each in enumerate(self.visit):
                values = gaps if each.name == GAP else frame[each.name]
                codes = each.encode(values.reset_index(drop=True))
                codes = np.where(turn > 0, codes, 0) if each.name == GAP else codes
                visits[patient, turn, place] = codes
        else:
            first = pd.Series(dtype=np.float64)
        if self.regular:
            # A patient without events has the grid too, every window of it missing.
            blank = [each.size - 1 if each.column.missing else 0 for each in self.visit]
            visits = np.where(visits == PAD, np.array(blank, dtype=np.int16), visits)
            length[:] = self.max_visits
        for place, each in enumerate(self.static):
            values = first.reindex(range(n)) if each.name == START else records.static[each.name]
            static[:, place] = each.encode(values.reset_index(drop=True))
        return Tokens(static=static, visits=visits, length=length, pictures=pictures)

    def _pictures(self, records: Records) -> np.ndarray | None:
        """Pictures by patient and visit, as `Tokens` hold them."""
        if self.picture is None:
            return None
        frame = (self.picture.size, self.picture.size, self.picture.channels)
        found = np.zeros((len(records), self.max_visits, *frame), dtype=np.uint8)
        if records.pictures is not None and len(records.visits):
            patient = records.visits["patient"].to_numpy(dtype=np.int64)
            turn = records.visits.groupby("patient", sort=False).cumcount().to_numpy()
            kept = turn < self.max_visits
            found[patient[kept], turn[kept]] = records.pictures[kept]
        return found

    def decode(
        self,
        tokens: Tokens,
        rng: np.random.Generator,
        within: Mapping[str, tuple[float, float]] | None = None,
    ) -> Records:
        """Records of tokens; keys are 1, 2, ...

        Args:
            tokens: of this code book.
            rng: draws numbers inside their bins.
            within: closed ranges that numbers of the patient lie in, where their bins meet them.
        """
        n = len(tokens)
        static = {
            each.name: each.decode(tokens.static[:, place], rng, (within or {}).get(each.name, ANY))
            for place, each in enumerate(self.static)
        }
        start = static.pop(START, pd.Series(np.zeros(n))).fillna(0.0).to_numpy()
        patient = np.repeat(np.arange(n), tokens.length)
        flat, turn = tokens.visits[tokens.inside], np.nonzero(tokens.inside)[1]
        visits = {
            each.name: each.decode(flat[:, place], rng) for place, each in enumerate(self.visit)
        }
        gap = visits.pop(GAP, pd.Series(np.ones(len(patient)))).fillna(0.0).to_numpy()
        time = pd.Series(np.where(turn > 0, gap, start[patient])).groupby(patient).cumsum()
        frame = pd.DataFrame(
            {"patient": patient, "time": time.to_numpy(dtype=np.float64), **visits}
        )
        keys = np.arange(1, n + 1).astype(str).astype(object)
        pictures = None if tokens.pictures is None else tokens.pictures[tokens.inside]
        return Records(keys, pd.DataFrame(static, index=range(n)), frame, pictures)


def codec(schema: Schema, found: Mapping[str, Field] | None = None) -> Codec:
    """The code books of a schema; `found` holds those of private columns.

    Raises:
        SchemaError: if a column has neither public nor found bins.
    """
    found = found or {}

    def books(columns: Mapping[str, Column]) -> tuple[Field, ...]:
        return tuple(found.get(name) or field(name, column) for name, column in columns.items())

    clock = schema.clock
    static, visit = dict(schema.columns("patient")), dict(schema.columns("visit"))
    if clock is not None and clock.start is not None:
        static = {START: clock.start, **static}
    if clock is not None and clock.gap is not None:
        visit = {GAP: replace_missing(clock.gap), **visit}
    return Codec(
        static=books(static),
        visit=books(visit),
        max_visits=schema.max_visits if visit or schema.picture else 0,
        regular=any(table.empty == "keep" for table in schema.tables.values()),
        picture=schema.picture,
    )


def replace_missing(column: Column) -> Column:
    """The same column, never missing (a visit always has a time)."""
    return column.model_copy(update={"missing": False})
