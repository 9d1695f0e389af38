"""Columns that a data set lacks, and what is taken in their place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from dpsynth.data.codec import GAP, START, Codec
from dpsynth.data.records import Records


def missing_columns(records: Records, codec: Codec) -> list[str]:
    """Modelled columns that the records lack; "time" where visits lack it."""
    static = [each.name for each in codec.static if each.name != START]
    absent = [name for name in static if name not in records.static]
    if codec.visit and len(records.visits):
        visit = ["time", *(each.name for each in codec.visit if each.name != GAP)]
        absent += [name for name in visit if name not in records.visits]
    return absent


def completed(records: Records, codec: Codec) -> Records:
    """The records with absent columns added, wholly missing; absent times become the order."""
    absent = set(missing_columns(records, codec))
    if not absent:
        return records
    static, visits = records.static.copy(), records.visits.copy()
    for frame, fields in ((static, codec.static), (visits, codec.visit)):
        for field in fields:
            if field.name in absent and field.name not in frame:
                kind = object if field.categories else np.float64
                blank = None if field.categories else np.nan
                frame[field.name] = pd.Series(blank, index=frame.index, dtype=kind)
    if "time" in absent:
        visits["time"] = visits.groupby("patient", sort=False).cumcount().astype(float)
    return replace(records, static=static, visits=visits)
