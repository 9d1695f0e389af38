"""Time columns to numbers: as written, or microseconds of a date."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from dpsynth.data.cells import distinct, floats
from dpsynth.errors import SchemaError
from dpsynth.schema import Clock
from dpsynth.schema_checks import MINUTES

EPOCH = datetime(1970, 1, 1)


def times(column: pa.ChunkedArray, clock: Clock, place: str) -> np.ndarray:
    """Each row's time, NaN if it has none: a number, or a date's microseconds since 1970.

    Raises:
        SchemaError: if the storage type of the whole column is of another kind than the clock.
    """
    stored = column.type
    dated = pa.types.is_timestamp(stored) or pa.types.is_date(stored)
    numeric = pa.types.is_integer(stored) or pa.types.is_floating(stored)
    if clock.kind == "number" and dated:
        raise SchemaError(f"{place}.kind: the file stores dates; use kind: date")
    if clock.kind == "date" and numeric:
        raise SchemaError(f"{place}.kind: the file stores numbers; use kind: number or order")
    if dated:
        whole = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
        return whole.cast(pa.float64(), safe=False).to_numpy().astype(np.float64)
    if clock.kind == "number" or numeric:
        return floats(column)
    index, values = distinct(column)
    parse = [_moment(value, clock) for value in values]
    return np.array([*parse, np.nan], dtype=np.float64)[index]


def _moment(value: Any, clock: Clock) -> float:
    word = str(value).strip()
    if clock.kind == "order":
        try:
            number = float(word)
            return number if np.isfinite(number) else np.nan
        except ValueError:
            pass
    try:
        moment = (
            datetime.strptime(word, clock.format) if clock.format else datetime.fromisoformat(word)
        )
    except ValueError:
        return np.nan
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    past = moment - EPOCH
    return (past.days * 86_400 + past.seconds) * 1e6 + past.microseconds


def since(time: np.ndarray, origin: np.ndarray, clock: Clock) -> np.ndarray:
    """Time since each row's origin, in the clock's unit."""
    return (time - origin) / (MINUTES[clock.unit] * 60e6)
