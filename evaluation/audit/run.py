"""The audit itself under test: honest runs, what it proves of them, and what it costs.

python evaluation/audit/run.py --data ../shared/data/icu2012

Adds the rows that are missing to `results.json` here, and of planted faults to
`../planted-faults/results.json`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dpsynth.evaluation.estimate import wilson
from dpsynth.models import MODELS
from dpsynth.models.base import quiet
from dpsynth.models.state import State
from dpsynth.privacy.audit import Auditor, Canaries, Transcript, judged
from dpsynth.privacy.audit.verdict import ALPHA
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.noise import CryptoStream
from dpsynth.privacy.plan import Plan

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import peeking  # noqa: E402
import protocol  # noqa: E402
import toy  # noqa: E402
from copies import DELTA  # noqa: E402
from results import Results, table  # noqa: E402

LAYER = "one layer not clipped"
PEEKING = "a generator that reads real data"
RESAMPLES = 1000
PLANTS = HERE.parent / "planted-faults/results.json"


def main(words: list[str] | None = None) -> None:
    """Add the rows that are missing, then print the tables."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--data", type=Path, default=protocol.SHARED / "icu2012")
    ask.add_argument("--out", type=Path, default=HERE / "results.json")
    ask.add_argument("--plants", type=Path, default=PLANTS)
    ask.add_argument("--models", default="table-diffusion,table-gan", help="empty for none")
    ask.add_argument("--epsilons", default="10,3")
    ask.add_argument("--seeds", type=int, default=3)
    ask.add_argument("--honest", type=int, default=1000, help="small honest runs")
    ask.add_argument("--planted", type=int, default=20, help="small runs with each fault")
    asked = ask.parse_args(words)
    torch.set_num_threads(1)
    results = Results(asked.out, "audit", 1)
    plants = Results(asked.plants, "planted-faults", 1)
    if asked.honest and not results.holds(metric="false_alarm_rate"):
        results.add([false_alarms(asked.honest)])
    for name in [*toy.FAULTS, LAYER, PEEKING] if asked.planted else ():
        if not plants.holds(model="audit", group=name):
            plants.add(planted(name, asked.planted))
    cases = [m for m in asked.models.split(",") if m], asked.epsilons.split(",")
    if cases[0]:
        add_icu(results, asked.data, *cases, asked.seeds)
    print(table(results.rows))
    print(table([row for row in plants.rows if row.get("model") == "audit"]))


def false_alarms(runs: int) -> dict[str, Any]:
    """How often an honest run is called violated; `ALPHA` is promised."""
    words = [toy.verdict(CryptoStream(), seed).word for seed in range(runs)]
    found = wilson(sum(word == "violated" for word in words), runs)
    return {
        "model": "honest small runs",
        "metric": "false_alarm_rate",
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "n": runs,
        "promised": ALPHA,
    }


def planted(name: str, runs: int) -> list[dict[str, Any]]:
    """Whether the check that is meant for a fault sees it, every time."""
    seen = 0
    if name == LAYER:
        check = "neighbour replay: a patient moves the sum by the norm at most"
        seen = sum(toy.replay_sees(toy.one_layer_free, seed) for seed in range(runs))
        assert not any(toy.replay_sees(nullcontext, seed) for seed in range(runs))
    elif name == PEEKING:
        check, runs = peeking.CHECK, min(runs, peeking.RUNS)
        seen = sum(peeking.poison_shows(seed, peeking=True) for seed in range(runs))
        assert not any(peeking.poison_shows(seed, peeking=False) for seed in range(runs))
    else:
        stream, changed, check = toy.FAULTS[name]
        for seed in range(runs):
            with changed():
                seen += check in toy.failed(toy.verdict(stream(), seed))
    found = wilson(seen, runs)
    return [
        {
            "model": "audit",
            "group": name,
            "metric": "detected",
            "value": int(seen == runs),
            "by": check,
        },
        {
            "model": "audit",
            "group": name,
            "metric": "detection_rate",
            "value": found.value,
            "low": found.low,
            "high": found.high,
            "n": runs,
        },
    ]


def add_icu(
    results: Results, data: Path, models: list[str], epsilons: list[str], seeds: int
) -> None:
    """Whole runs on the ICU protocol's training part."""
    icu = protocol.stated("icu-mortality")
    loaded = protocol.load(icu, data, icu.train, icu.test_from)
    for seed in range(seeds):
        for model in models:
            for epsilon in map(float, epsilons):
                if not results.holds(model=model, epsilon=epsilon, seed=seed):
                    results.add(icu_rows(loaded, model, epsilon, seed))


def icu_rows(loaded: protocol.Loaded, name: str, epsilon: float, seed: int) -> list[dict[str, Any]]:
    """One audited run; and again, with and without audit in turns, for its cost."""
    size = loaded.schema.population
    budget = Budget(epsilon=epsilon, delta=DELTA, population=size)
    plan = MODELS[name].plan(loaded.schema, budget, 0.0)
    with tempfile.TemporaryDirectory() as folder:
        transcript = Transcript(Path(folder) / "seen.jsonl", Canaries.thrown(plan))
        began = time.process_time()
        trained(loaded, name, plan, _door(loaded, plan, transcript), Path(folder), seed)
        before = time.process_time()
        verdict = judged(transcript, plan)
        done = time.process_time()
        judging, whole = done - before, done - began
    with tempfile.TemporaryDirectory() as folder:
        transcript = Transcript(Path(folder) / "seen.jsonl", Canaries.thrown(plan))
        turns = InTurns(_door(loaded, plan, transcript), _door(loaded, plan, None))
        trained(loaded, name, plan, turns, Path(folder), seed)
    assert plan.training is not None
    extra = np.array([turns.dearer(resample) for resample in range(RESAMPLES + 1)])
    extra = extra * plan.training.steps + judging
    cost = extra / (whole - extra)
    low, high = np.quantile(cost[1:], [0.025, 0.975])
    values = {
        "audit_bound": verdict.bound,
        "audit_claim": verdict.claimed,
        "audit_bound_share": verdict.bound / verdict.claimed,
        "audit_consistent": float(verdict.word == "consistent"),
        "canaries": verdict.canaries,
    }
    common = {"model": name, "epsilon": epsilon, "seed": seed, "delta": DELTA}
    rows: list[dict[str, Any]] = [{"metric": m, "value": v} for m, v in values.items()]
    rows.append(
        {"metric": "audit_cost", "value": float(cost[0]), "low": float(low), "high": float(high)}
    )
    return [common | row for row in rows]


def trained(
    loaded: protocol.Loaded, name: str, plan: Plan, door: Any, folder: Path, seed: int
) -> None:
    """One run of a model behind a door."""
    torch.manual_seed(seed)
    model = MODELS[name](loaded.schema, loaded.books, plan)
    model.fit(door, State(folder / "state"), quiet, torch.device("cpu"))


def _door(loaded: protocol.Loaded, plan: Plan, transcript: Transcript | None) -> Door:
    auditor = Auditor(transcript) if transcript else None
    door = Door(loaded.train, plan=plan, randomness=CryptoStream(), auditor=auditor)
    door.use(loaded.books)
    return door


class InTurns:
    """Two doors to the same patients, that take steps in turns: with an audit, and without.

    Whole runs differ by a tenth of their time for other reasons; neighbouring steps do not.
    """

    def __init__(self, audited: Door, plain: Door) -> None:
        self._doors, self._spent = (audited, plain), ([], [])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._doors[0], name)

    def step(self, *asked: Any) -> None:
        turn = sum(map(len, self._spent)) % 2
        began = time.process_time()
        self._doors[turn].step(*asked)
        self._spent[turn].append(time.process_time() - began)

    def dearer(self, resample: int) -> float:
        """Seconds that an audit adds to a step: as measured for 0, else of resampled steps."""
        pairs = np.array(list(zip(*self._spent, strict=False)))
        if resample:
            pairs = pairs[np.random.default_rng(resample).integers(0, len(pairs), len(pairs))]
        return float((pairs[:, 0] - pairs[:, 1]).mean())


if __name__ == "__main__":
    main()
