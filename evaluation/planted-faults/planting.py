"""What a plant is, and what plants are made of: one side of a case, changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from dpsynth.data.records import Records
from dpsynth.evaluation.case import Case, Side

Change = Callable[[Records, np.random.Generator], Records]
Sow = Callable[[Case, np.random.Generator], Case]


@dataclass(frozen=True, kw_only=True)
class Plant:
    """A fault that is put in on purpose.

    Attributes:
        sow: puts it into a case whose copy is perfect: other patients of the same clinic.
        seen_by: metrics that are meant to find it, with the group whose row it is, if any.
        world: what the patients are, as in `made_up.WORLDS`.
        patients: of each of training, holdout and copy.
    """

    sow: Sow
    seen_by: dict[str, str | None]
    world: str = "clinic"
    patients: int = 1000


def by(*metrics: str, group: str | None = None) -> dict[str, str | None]:
    """Metrics that look at the same group."""
    return dict.fromkeys(metrics, group)


def in_copy(change: Change) -> Sow:
    """Only the copy is changed."""

    def sow(case: Case, rng: np.random.Generator) -> Case:
        return with_sides(case, synthetic=change(case.synthetic.records, rng))

    return sow


def in_all(change: Change) -> Sow:
    """The copy and both real sets are changed: the fault was in the world before."""

    def sow(case: Case, rng: np.random.Generator) -> Case:
        sides = {name: getattr(case, name) for name in ("train", "holdout", "synthetic")}
        return with_sides(case, **{k: change(each.records, rng) for k, each in sides.items()})

    return sow


def of_training(change: Change, share: float = 1.0) -> Sow:
    """A share of the copy are training patients, changed; the others stay."""

    def sow(case: Case, rng: np.random.Generator) -> Case:
        copied = rng.choice(len(case.train), round(share * len(case.synthetic)), replace=False)
        stolen = change(case.train.records.take(copied), rng)
        rest = case.synthetic.records.take(np.arange(len(copied), len(case.synthetic)))
        return with_sides(case, synthetic=Records.stacked([stolen, rest]))

    return sow


def with_sides(case: Case, **sides: Records) -> Case:
    """The case with other records, and nothing known of it yet."""
    made = {
        name: Side(records=records, tokens=case.codec.encode(records))
        for name, records in sides.items()
    }
    return replace(case, _known={}, **made)


def static(records: Records, **columns: object) -> Records:
    """The records with other columns of patients."""
    return replace(records, static=records.static.assign(**columns))


def visits(records: Records, **columns: object) -> Records:
    """The records with other columns of visits."""
    return replace(records, visits=records.visits.assign(**columns))


def only_visits(records: Records, kept: np.ndarray) -> Records:
    """The records without some visits."""
    return replace(records, visits=records.visits[kept].reset_index(drop=True))


def other_gaps(records: Records, change: Callable[[pd.Series], pd.Series]) -> Records:
    """The records with other times between visits; the first gap of a patient means nothing."""
    who = records.visits["patient"]
    gaps = records.visits["time"].groupby(who).diff()
    return visits(records, time=change(gaps).fillna(0.0).groupby(who).cumsum())


def pictures(records: Records, shown: np.ndarray) -> Records:
    """The records with other pictures, in shades of 0 to 255."""
    return replace(records, pictures=np.clip(np.rint(shown), 0, 255).astype(np.uint8))


def turned(labels: pd.Series) -> pd.Series:
    """Labels turned over."""
    return labels.map({"true": "false", "false": "true"})
