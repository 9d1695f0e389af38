"""The prediction task of a schema's label: features, label and patient of each sample."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from dpsynth.data.codec import GAP, Codec, Tokens
from dpsynth.data.field import MISSING, Field
from dpsynth.data.records import Records
from dpsynth.errors import SchemaError
from dpsynth.schema import Kind, Label

FEATURES = 240  # visit features at most: the last visits that fit


@dataclass(frozen=True, kw_only=True)
class Task:
    """Samples of one data set.

    Attributes:
        X: (samples, features) ordinal codes as float32, NaN where missing or no such visit.
        y: (samples,) bool.
        patient: (samples,) position of the sample's patient.
        end: (samples,) how many of the patient's visits may be used.
        patients: number of patients in the data set, with or without a sample.
        features: names of X's columns.
        tokens, codec: of all patients, for models that read visits one after another.
    """

    X: np.ndarray
    y: np.ndarray
    patient: np.ndarray
    end: np.ndarray
    patients: int
    features: tuple[str, ...]
    tokens: Tokens
    codec: Codec

    def take(self, samples: np.ndarray) -> Task:
        """Those samples."""
        kept = {name: getattr(self, name)[samples] for name in ("X", "y", "patient", "end")}
        return dataclasses.replace(self, **kept)

    @property
    def fields(self) -> tuple[Field | None, ...]:
        """The code book of each of X's columns; none for the number of visits."""
        static = {field.name: field for field in self.codec.static}
        visit = {field.name: field for field in self.codec.visit}
        books = (static.get(name) or visit.get(name.rsplit(" [", 1)[0]) for name in self.features)
        return tuple(books)


def task(data: Records | Tokens, codec: Codec, label: Label) -> Task:
    """The samples of a label.

    A per-patient label: one sample per patient, from the other static columns and all visits.
    A visits column, given "before": one sample per patient with a visit, the label of the
    last visit from statics and earlier visits (their labels too: they are known by then).
    Given "same": every visit a sample, from statics, earlier visits and the other columns of
    the visit itself. Visits are aligned at their end; at most FEATURES / columns of them are
    used, the latest. Samples whose label is missing are left out.

    Args:
        data: records, or their tokens where each code lies wholly on one side of the label.
        codec: public code books, for the features.
        label: what is predicted.

    Raises:
        SchemaError: if the label is no column, or does not say what counts as 1.
    """
    tokens = data if isinstance(data, Tokens) else codec.encode(data)
    per_visit, place, field = find_label(codec, label)
    patient, end = samples_of(tokens, label, per_visit)
    codes = tokens.visits[patient, end, place] if per_visit else tokens.static[patient, place]
    y, known = label_of_codes(codes, field, label)
    if label.above is not None and isinstance(data, Records):
        raw = raw_values(data, codec, label.column, per_visit, patient, end)
        y, known = raw > label.above, ~np.isnan(raw)
    elif label.above is not None and len(straddling(field, label.above)):
        raise SchemaError(
            f"label {label.column!r}: {label.above:g} is no bin edge; pass records, not tokens"
        )
    patient, end, y = patient[known], end[known], y[known]
    X, names = features_of(tokens, codec, label, per_visit, patient, end)
    return Task(
        X=X,
        y=y,
        patient=patient,
        end=end,
        patients=len(tokens),
        features=names,
        tokens=tokens,
        codec=codec,
    )


def find_label(codec: Codec, label: Label) -> tuple[bool, int, Field]:
    """Whether the label is a visits column, its place there, and its field."""
    for per_visit, fields in ((False, codec.static), (True, codec.visit)):
        for place, field in enumerate(fields):
            if field.name == label.column:
                return per_visit, place, field
    raise SchemaError(f"label {label.column!r} is no modelled column; name one that is")


def samples_of(tokens: Tokens, label: Label, per_visit: bool) -> tuple[np.ndarray, np.ndarray]:
    """Patient of each sample, and how many visits lie before it."""
    if not per_visit:
        return np.arange(len(tokens)), tokens.length.astype(np.int64)
    if label.given == "before":
        patient = np.flatnonzero(tokens.length > 0)
        return patient, tokens.length[patient].astype(np.int64) - 1
    inside = np.arange(tokens.visits.shape[1])[None, :] < tokens.length[:, None]
    patient, end = np.nonzero(inside)
    return patient, end


def label_of_codes(codes: np.ndarray, field: Field, label: Label) -> tuple[np.ndarray, np.ndarray]:
    """Label of each code and whether it is known; a bin counts by its lower edge."""
    known = codes != (field.size - 1 if field.column.missing else field.size)
    if label.above is not None and not field.categories:
        lows, _ = spans(field)
        above = np.append(lows >= cut_of(field, label.above), False)
        return above[np.minimum(codes, len(lows))], known
    positive = label.positive
    if positive is None and field.column.type is Kind.BOOLEAN:
        positive = "true"
    if positive is None or positive not in field.categories:
        named = ", ".join(field.categories[:5]) or "none: give `above` for numbers"
        raise SchemaError(
            f"label {label.column!r}: positive must be one of its categories ({named}), "
            f"got {label.positive!r}"
        )
    return codes == field.categories.index(positive), known


def spans(field: Field) -> tuple[np.ndarray, np.ndarray]:
    """Lowest value of each code and the end of its span, atoms first, without missing."""
    atoms, edges = np.array(field.column.atoms, dtype=float), np.array(field.edges)
    after = np.nextafter(atoms, math.inf)
    return np.concatenate([atoms, edges[:-1]]), np.concatenate([after, edges[1:]])


def cut_of(field: Field, above: float) -> float:
    """The lowest value that counts as above: for counts the next whole number."""
    if field.column.type is Kind.COUNT or above in field.column.atoms:
        whole = math.floor(above) + 1 if field.column.type is Kind.COUNT else above
        return float(whole) if whole != above else float(np.nextafter(above, math.inf))
    return float(above)


def straddling(field: Field, above: float) -> np.ndarray:
    """Codes that hold values on both sides of the threshold."""
    lows, highs = spans(field)
    cut = cut_of(field, above)
    return np.flatnonzero((lows < cut) & (highs > cut))


def raw_values(
    records: Records,
    codec: Codec,
    column: str,
    per_visit: bool,
    patient: np.ndarray,
    turn: np.ndarray,
) -> np.ndarray:
    """The column's own values (not bins) at those patients and visits."""
    if not per_visit:
        return records.static[column].to_numpy(dtype=np.float64)[patient]
    frame = records.visits
    values = np.full((len(records), codec.max_visits), np.nan)
    turns = frame.groupby("patient", sort=False).cumcount().to_numpy()
    kept = turns < codec.max_visits
    values[frame["patient"].to_numpy()[kept], turns[kept]] = frame[column].to_numpy()[kept]
    return values[patient, turn]


def as_floats(codes: np.ndarray, fields: tuple[Field, ...]) -> np.ndarray:
    """Codes as floats, NaN where missing or padded; fields on the last axis."""
    values = codes.astype(np.float32)
    last = np.array([f.size - 1 if f.labels[-1:] == [MISSING] else f.size for f in fields])
    values[(codes < 0) | (codes == last)] = np.nan
    return values


def features_of(
    tokens: Tokens,
    codec: Codec,
    label: Label,
    per_visit: bool,
    patient: np.ndarray,
    end: np.ndarray,
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Features of samples: statics, how many visits before, those visits, the visit itself."""
    X, names = history(tokens, codec, patient, end)
    if not per_visit:
        kept = [place for place, name in enumerate(names) if name != label.column]
        return X[:, kept], tuple(names[place] for place in kept)
    if label.given == "same":
        now = [i for i, f in enumerate(codec.visit) if f.name != label.column]
        X = np.concatenate([X, visit_floats(tokens, codec)[patient, end][:, now]], axis=1)
        names = (*names, *(f"{codec.visit[i].name} [now]" for i in now))
    return X, names


def visit_floats(tokens: Tokens, codec: Codec) -> np.ndarray:
    """Visits as floats; the gap before a first visit does not exist."""
    visits = as_floats(tokens.visits, codec.visit)
    visits[:, :1, [f.name == GAP for f in codec.visit]] = np.nan
    return visits


def history(
    tokens: Tokens,
    codec: Codec,
    patient: np.ndarray | None = None,
    end: np.ndarray | None = None,
) -> tuple[np.ndarray, tuple[str, ...]]:
    """What is known of patients before their visit `end`: one row each, and its names.

    Statics, the number of visits, and the latest visits aligned at their end. Without
    `patient` and `end`: everyone with all visits.
    """
    patient = np.arange(len(tokens)) if patient is None else patient
    end = tokens.length.astype(np.int64) if end is None else end
    parts = [as_floats(tokens.static, codec.static)[patient]]
    names = [field.name for field in codec.static]
    if codec.max_visits and codec.visit:
        last = min(codec.max_visits, max(1, FEATURES // len(codec.visit)))
        turn = end[:, None] - np.arange(last, 0, -1)[None, :]
        past = visit_floats(tokens, codec)[patient[:, None], np.maximum(turn, 0)]
        past[turn < 0] = np.nan
        parts += [end[:, None].astype(np.float32), past.reshape(len(end), last * len(codec.visit))]
        names += ["visits before"]
        names += [f"{f.name} [-{back}]" for back in range(last, 0, -1) for f in codec.visit]
    return np.concatenate(parts, axis=1), tuple(names)
