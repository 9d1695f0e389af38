"""The rows of anonymeter's attacks, where an environment that has it was named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from dpsynth.data.records import Records
from dpsynth.errors import InputError
from dpsynth.evaluation import leakage
from dpsynth.evaluation.case import Case, Step
from dpsynth.evaluation.estimate import not_assessable, subsample
from dpsynth.evaluation.evaluation import Row, row
from dpsynth.evaluation.leakage import anonymeter, inference

PATIENTS = 5_000  # of each data set, at most


def steps(case: Case) -> Iterator[Step]:
    """One step, if it was asked for and there are patients to draw from."""
    if case.anonymeter is not None and min(len(case.synthetic), len(case.holdout) - 1) > 0:
        yield "anonymeter", lambda: rows(case)


def remarks(case: Case) -> list[str]:
    """Whose the attacks are, and a cap that took effect."""
    if case.anonymeter is None:
        return []
    found = ["attacks named anonymeter are those of anonymeter (Anonos; patent pending)"]
    if max(len(case.synthetic), len(case.train)) > PATIENTS:
        found.append(f"anonymeter sees {PATIENTS:,} patients of a data set, at random")
    return found


def rows(case: Case) -> list[Row]:
    """Each of its risks: of the copy, of fresh patients in its place, of a plain copy.

    Errors:
        Attacks that fail are not assessable, and say so: the rest of a report took long enough
        to be kept.
    """
    assert case.anonymeter is not None
    rng = case.rng(18)
    halves = np.array_split(rng.permutation(len(case.holdout)), 2)
    outsiders, fresh = (case.holdout.records.take(half[:PATIENTS]) for half in halves)
    # As many members as outsiders: who is alone in a small set need not be in a large one, and
    # the library's own correction for that finds risks in fresh patients.
    members = case.train.records.take(subsample(len(case.train), len(outsiders), rng))
    copy = case.synthetic.records.take(subsample(len(case.synthetic), PATIENTS, rng))
    wanted = tuple(inference.secrets(case.schema, case.codec))
    copies = {"copy": copy, "fresh": fresh, "plain": members}
    found: dict[str, dict[str, Any]] = {name: {} for name in copies}
    failed = ""
    try:
        found = anonymeter.risks(
            case.anonymeter,
            _flat(members, case),
            _flat(outsiders, case),
            {name: _flat(each, case) for name, each in copies.items()},
            wanted,
            seed=case.seed,
        )
    except InputError as error:
        failed = str(error)
    asked: list[tuple[str, str | None]] = [
        ("anonymeter_singling_out", None),
        ("anonymeter_linkability", None),
        *(("anonymeter_inference", column) for column in wanted),
    ]
    made = []
    for name, column in asked:
        metric = leakage.ANONYMETER[name]
        three = (
            not_assessable(failed) if failed else metric.measure(_of(each, name, column))
            for each in found.values()
        )
        made.append(row(name, "leakage", metric, *three, group=column))
    return made


def _flat(records: Records, case: Case) -> anonymeter.Flat:
    return anonymeter.flattened(records, case.codec)


def _of(found: dict[str, Any], name: str, column: str | None) -> dict[str, Any] | None:
    """One attack's figures."""
    made: dict[str, Any] | None = found.get(name.removeprefix("anonymeter_"))
    return made if column is None or made is None else made.get(column)
