"""Protocol icu-mortality: see README.md beside this file.

python evaluation/icu-mortality/run.py --data ../shared/data/icu2012
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from dpsynth.data.codec import Codec, Tokens, codec
from dpsynth.data.reader import read
from dpsynth.data.records import Records
from dpsynth.data.schema_file import load_schema
from dpsynth.evaluation.controls import independent_columns
from dpsynth.evaluation.estimate import Estimate
from dpsynth.evaluation.fidelity import METRICS
from dpsynth.evaluation.utility.discrimination import tstr_auc
from dpsynth.models import MODELS
from dpsynth.models.base import quiet
from dpsynth.models.state import State
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.noise import CryptoStream
from dpsynth.schema import Schema

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from results import Results, table  # noqa: E402

DELTA = 1e-5
FIDELITY = ("tv1", "tv2", "transition_tv", "c2st_auc")


def main(words: list[str] | None = None) -> None:
    """Add the rows that are missing, then print the table."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--data", type=Path, default=HERE.parents[2] / "shared/data/icu2012")
    ask.add_argument("--out", type=Path, default=HERE / "results.json")
    ask.add_argument("--epsilons", default="10,3,1")
    ask.add_argument("--models", default="markov,table-diffusion")
    ask.add_argument("--seeds", type=int, default=3)
    ask.add_argument("--train", type=int, default=6000, help="stays to train on")
    ask.add_argument("--test-from", type=int, default=6000, help="stays before it never test")
    ask.add_argument("--setting", action="append", default=[], help="name=value of the model")
    ask.add_argument("--threads", type=int, default=1)
    asked = ask.parse_args(words)
    torch.set_num_threads(asked.threads)
    schema = load_schema(HERE / "schema.yaml").model_copy(update={"population": asked.train})
    records, _ = read([asked.data / "patients.csv.gz", asked.data / "measurements.parquet"], schema)
    train, test = split(records, asked.train, asked.test_from)
    books = codec(schema)
    real, held = books.encode(train), books.encode(test)
    results = Results(asked.out, "icu-mortality", asked.threads)
    for name, tokens in (
        ("real", real),
        ("shuffled", independent_columns(real, np.random.default_rng(0))),
    ):
        if not results.holds(model=name):
            results.add(measured(name, None, 0, tokens, held, books, schema))
    settings = dict(pair.split("=") for pair in asked.setting)
    for seed in range(asked.seeds):
        for epsilon in (float(e) for e in asked.epsilons.split(",")):
            for name in asked.models.split(","):
                if results.holds(model=name, epsilon=epsilon, seed=seed):
                    continue
                numbers = {k: float(v) if "." in v else int(v) for k, v in settings.items()}
                used = numbers if name == "table-diffusion" else {}
                copy, times = synthetic(name, used, epsilon, seed, train, schema, books)
                rows = measured(name, epsilon, seed, copy, held, books, schema)
                common = {"model": name, "epsilon": epsilon, "delta": DELTA, "seed": seed}
                rows += [common | {"metric": k, "value": v} for k, v in times.items()]
                results.add(rows)
                print(name, epsilon, seed, {r["metric"]: round(r["value"], 3) for r in rows})
    print(table(results.rows))


def split(records: Records, size: int, test_from: int) -> tuple[Records, Records]:
    """By the first 4 bytes of SHA-256 of "icu-mortality<RecordID>"; the last ones test."""
    marks = [hashlib.sha256(f"icu-mortality{key}".encode()).digest()[:4] for key in records.keys]
    order = np.array(sorted(range(len(marks)), key=marks.__getitem__))
    return records.take(np.sort(order[:size])), records.take(np.sort(order[test_from:]))


def synthetic(
    name: str,
    settings: dict[str, float],
    epsilon: float,
    seed: int,
    train: Records,
    schema: Schema,
    books: Codec,
) -> tuple[Tokens, dict[str, float]]:
    """Train, and generate twice as many stays; the last step, no selection."""
    torch.manual_seed(seed)
    size = schema.population
    assert isinstance(size, int)
    promise = Budget(epsilon=epsilon, delta=DELTA, population=size)
    began = time.perf_counter()
    plan = MODELS[name].plan(schema, promise, 0.0, **settings)
    # Public data: the seed makes the row repeatable. A release would refuse it.
    door = Door(train, plan=plan, randomness=CryptoStream(insecure_seed=seed))
    door.use(books)
    model = MODELS[name](schema, books, plan, **settings)
    device = torch.device("cpu")
    with tempfile.TemporaryDirectory() as folder:
        model.fit(door, State(Path(folder) / "state"), quiet, device)
    trained = time.perf_counter()
    tokens = model.sample(2 * size, {}, seed, quiet, device)
    done = time.perf_counter()
    return tokens, {"train_s": trained - began, "generate_s": done - trained}


def measured(
    name: str,
    epsilon: float | None,
    seed: int,
    tokens: Tokens,
    held: Tokens,
    books: Codec,
    schema: Schema,
) -> list[dict[str, object]]:
    """All metrics of one copy against the test stays, each with its interval over stays."""
    assert schema.label is not None
    found: dict[str, Estimate] = {
        metric: METRICS[metric].measure(held, tokens, books) for metric in FIDELITY
    }
    found["tstr_auc"] = tstr_auc(tokens, held, books, schema.label)
    common = {"model": name, "epsilon": epsilon, "seed": seed}
    if epsilon is not None:
        common["delta"] = DELTA
    return [
        common | {"metric": metric, "value": e.value, "low": e.low, "high": e.high, "n": e.n}
        for metric, e in found.items()
    ]


if __name__ == "__main__":
    main()
