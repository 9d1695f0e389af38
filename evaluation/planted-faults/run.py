"""Faults planted in copies of made-up patients, and how often metrics cry without one.

python evaluation/planted-faults/run.py

Adds the rows that are missing to `results.json` here; every resample of real patients against
real patients is kept in `resamples.jsonl` until its row is made. No data are needed.
"""

from __future__ import annotations

import argparse
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import false_alarms  # noqa: E402
import made_up  # noqa: E402
from judging import alarm, rule_of  # noqa: E402
from plants import OPTIONAL, PLANTS, Plant  # noqa: E402
from results import Results, table  # noqa: E402
from searching import Looked  # noqa: E402

from dpsynth.evaluation.bias import SPLIT  # noqa: E402
from dpsynth.evaluation.estimate import wilson  # noqa: E402
from dpsynth.evaluation.evaluation import Row  # noqa: E402


def main(words: list[str] | None = None) -> None:
    """Add the rows that are missing, then print the table."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--out", type=Path, default=HERE / "results.json")
    ask.add_argument("--plants", help="names, with ; between; all unless given")
    ask.add_argument("--trials", type=int, default=5, help="of each plant; 0 for none")
    ask.add_argument("--resamples", type=int, default=200, help="0 for none")
    ask.add_argument("--resampled", type=int, default=400, help="patients of each set")
    ask.add_argument("--seen", type=Path, default=HERE / "resamples.jsonl")
    ask.add_argument("--anonymeter", type=Path, help="Python that has anonymeter")
    asked = ask.parse_args(words)
    torch.set_num_threads(1)
    results = Results(asked.out, "planted-faults", 1)
    names = PLANTS if asked.plants is None else asked.plants.split(";")
    for name in names if asked.trials else ():
        add_plant(results, name, asked.trials, asked.anonymeter)
    if asked.resamples:
        false_alarms.add(results, asked.seen, asked.resamples, asked.resampled)
    print(table([row for row in results.rows if row.get("model") != "audit"]))


def add_plant(results: Results, name: str, trials: int, anonymeter: Path | None) -> None:
    """The rows of one plant, unless they are there."""
    plant = PLANTS[name]
    if results.holds(model=next(iter(plant.seen_by)), group=name):
        return
    if OPTIONAL & set(plant.seen_by) and anonymeter is None:
        print(f"{name}: left out, needs --anonymeter")
        return
    seen = dict.fromkeys(plant.seen_by, 0)
    unplanted, said = dict.fromkeys(plant.seen_by, 0), {}
    for trial in range(trials):
        pure = unsown(plant.world, plant.patients, trial, anonymeter)
        sown = plant.sow(pure.case, np.random.default_rng([trial, 1]))
        for metric, row in looked_at(plant, Looked(sown)).items():
            seen[metric] += alarm(row)
            said[metric] = row.reading
        for metric, row in looked_at(plant, pure).items():
            unplanted[metric] += alarm(row)
    results.add(
        [
            row
            for metric in plant.seen_by
            for row in rows_for(name, metric, seen[metric], unplanted[metric], trials, said[metric])
        ]
    )
    for metric in plant.seen_by:
        print(f"{name}: {metric} {seen[metric]} of {trials}, unplanted {unplanted[metric]}")


@cache
def unsown(world: str, patients: int, trial: int, anonymeter: Path | None) -> Looked:
    """A trial's case before anything is planted; several plants start from it."""
    return Looked(made_up.case(world, patients, trial, anonymeter))


def looked_at(plant: Plant, looked: Looked) -> dict[str, Row]:
    """The rows of the metrics that are meant to see a plant."""
    if set(SPLIT) & set(plant.seen_by):
        looked = Looked(made_up.with_bare(looked.case))
    found = looked.rows(plant.seen_by)
    return {metric: found[metric, group] for metric, group in plant.seen_by.items()}


def rows_for(
    name: str, metric: str, seen: int, unplanted: int, trials: int, said: str
) -> list[dict[str, Any]]:
    """One plant and one metric that is meant to see it."""
    common = {"model": metric, "group": name}
    rate, none = wilson(seen, trials), wilson(unplanted, trials)
    return [
        common
        | {
            "metric": "detected",
            "value": int(seen == trials),
            "by": metric,
            "rule": rule_of(metric).says,
            "says": said,
        },
        common
        | {
            "metric": "detection_rate",
            "value": rate.value,
            "low": rate.low,
            "high": rate.high,
            "n": trials,
        },
        common
        | {
            "metric": "flagged_unplanted",
            "value": none.value,
            "low": none.low,
            "high": none.high,
            "n": trials,
        },
    ]


if __name__ == "__main__":
    main()
