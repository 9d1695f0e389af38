"""How often metrics cry where nothing is wrong: real patients in the copy's place.

Training patients, patients held out and the "copy" are drawn from the same clinic, 200 times;
every alarm is false. Each resample is written to disk at once, with what each metric said.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import made_up
import numpy as np
from judging import alarm, rule_of
from results import Results
from searching import Looked, quick

from dpsynth.evaluation.estimate import wilson
from dpsynth.evaluation.evaluation import Evaluation, Row
from dpsynth.evaluation.verdict import fairness, leak

FIRST = 100_000  # seed of the first resample, apart from those of plants
PICTURED = 200  # patients of each set that have pictures
# Of whole reports: at most `verdict.FALSE_ALARMS` is promised of each.
WARNINGS: dict[str, Callable[[Evaluation], bool]] = {
    "verdict: some groups lose more": lambda made: fairness(made).answer == "Some groups lose more",
    "verdict: it leaks": lambda made: leak(made).level in ("fair", "poor"),
}


def add(
    results: Results, seen: Path, resamples: int, patients: int, group: str | None = None
) -> None:
    """The rows of all metrics, once every resample is there."""
    known = [json.loads(line) for line in seen.read_text().splitlines()] if seen.exists() else []
    with seen.open("a") as file:
        for turn in range(len(known), resamples):
            known.append(resample(turn, patients))
            file.write(json.dumps(known[-1]) + "\n")
            file.flush()
    for name in dict.fromkeys(each for one in known[:resamples] for each in one):
        if not results.holds(model=name, metric="false_alarm_rate", group=group):
            alarms = [one[name][0] for one in known[:resamples] if name in one]
            results.add([row_for(name, alarms, group)])


def resample(turn: int, patients: int) -> dict[str, list[Any]]:
    """Whether each metric, and each warning of the verdict, cried in this turn, and what it said.

    Of a metric with many groups one is drawn, so that its alarms of two resamples are independent.
    """
    rng, found = np.random.default_rng([turn, 3]), {}
    case = made_up.with_bare(made_up.case("clinic", patients, FIRST + turn))
    rows = list(Looked(case).rows(quick()).values())
    whole = report_of(rows, patients)
    pictured = made_up.case("scans", PICTURED, FIRST + turn)
    rows += Looked(pictured, ("pictures", "looks of pictures")).rows(quick()).values()
    for metric in dict.fromkeys(row.metric for row in rows):
        mine = [row for row in rows if row.metric == metric and row.value.assessable]
        if mine:
            row = mine[rng.integers(len(mine))]
            found[metric] = [alarm(row), row.group, *said(row)]
    return found | {name: [cries(whole)] for name, cries in WARNINGS.items()}


def said(row: Row) -> list[float | None]:
    """Value and reference, with their intervals."""
    sides = [[each.value, each.low, each.high] for each in (row.value, row.real)]
    return [round(float(each), 5) if np.isfinite(each) else None for side in sides for each in side]


def report_of(rows: Collection[Row], patients: int) -> Evaluation:
    """What the verdict reads."""
    return Evaluation(
        name="made-up clinic",
        unit="patient",
        train=patients,
        holdout=patients,
        synthetic=patients,
        rows=tuple(rows),
        columns=(),
        transitions=(),
        visits=None,
        sample=(),
        notes=(),
        seed=0,
        seconds=0.0,
    )


def row_for(name: str, alarms: list[bool], group: str | None) -> dict[str, Any]:
    """The rate of one test."""
    rate = wilson(sum(alarms), len(alarms))
    return {
        "model": name,
        **({} if group is None else {"group": group}),
        "metric": "false_alarm_rate",
        "value": rate.value,
        "low": rate.low,
        "high": rate.high,
        "n": len(alarms),
        "rule": name if name in WARNINGS else rule_of(name).says,
    }
