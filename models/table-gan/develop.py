"""How CARD.md's figures were made: table-gan beside its own warm start, on training stays alone.

python models/table-gan/develop.py --data ../shared/data/icu2012 --out rows.jsonl

Of the 6,000 stays that protocol icu-mortality trains on, 4,500 train here and 1,500 are looked
at, by a hash of their own; its test stays are never read. Each line is one epsilon and seed:
the GAN, its warm start's own samples, and the warm start with the whole budget.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dpsynth.data.codec import Codec, Tokens, codec
from dpsynth.data.reader import read
from dpsynth.data.records import Records
from dpsynth.data.schema_file import load_schema
from dpsynth.evaluation.fidelity import METRICS
from dpsynth.evaluation.utility.discrimination import tstr_auc
from dpsynth.models import MODELS
from dpsynth.models.base import quiet
from dpsynth.models.state import State
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.noise import CryptoStream
from dpsynth.schema import Schema

ROOT = Path(__file__).resolve().parents[2]
DELTA, TRAIN, OURS = 1e-5, 4500, 6000
CPU = torch.device("cpu")


def main() -> None:
    """One line per epsilon and seed."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/icu2012")
    ask.add_argument("--out", type=Path, required=True, help="lines are added to it")
    ask.add_argument("--epsilons", default="10,3,1")
    ask.add_argument("--seeds", default="0,1,2")
    ask.add_argument("--setting", action="append", default=[], help="name=value")
    asked = ask.parse_args()
    torch.set_num_threads(1)
    schema = load_schema(ROOT / "examples/icu2012.yaml").model_copy(update={"population": TRAIN})
    files = [asked.data / "patients.csv.gz", asked.data / "measurements.parquet"]
    records, _ = read(files, schema)
    ours = first(records, "icu-mortality", OURS)[0]
    train, look = first(ours, "table-gan-dev", TRAIN)
    books = codec(schema)
    held = books.encode(look)
    pairs = (pair.split("=") for pair in asked.setting)
    settings = {k: float(v) if "." in v else int(v) for k, v in pairs}
    for seed in map(int, asked.seeds.split(",")):
        for epsilon in map(float, asked.epsilons.split(",")):
            began = time.process_time()
            model, copy = fitted("table-gan", settings, epsilon, seed, train, schema, books)
            spent = time.process_time() - began
            own = model.start.sample(2 * TRAIN, np.random.default_rng(seed))
            full = fitted("log-linear", {}, epsilon, seed, train, schema, books)[1]
            copies = {"table-gan": copy, "its warm start": own, "warm start alone": full}
            row = {"epsilon": epsilon, "seed": seed, "cpu_s": round(spent)}
            row |= {name: measured(tokens, held, books, schema) for name, tokens in copies.items()}
            with asked.out.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(json.dumps(row))


def first(records: Records, salt: str, size: int) -> tuple[Records, Records]:
    """The first patients by a hash of their keys, and the rest."""
    marks = [hashlib.sha256(f"{salt}{key}".encode()).digest()[:4] for key in records.keys]
    order = np.array(sorted(range(len(marks)), key=marks.__getitem__))
    return records.take(np.sort(order[:size])), records.take(np.sort(order[size:]))


def fitted(
    name: str,
    settings: dict[str, float],
    epsilon: float,
    seed: int,
    train: Records,
    schema: Schema,
    books: Codec,
) -> tuple[Any, Tokens]:
    """The model, and twice as many stays as it was trained on; the last step, no selection."""
    torch.manual_seed(seed)
    budget = Budget(epsilon=epsilon, delta=DELTA, population=TRAIN)
    plan = MODELS[name].plan(schema, budget, 0.0, **settings)
    # Public data: the seed makes the noise repeatable. A release would refuse it.
    door = Door(train, plan=plan, randomness=CryptoStream(insecure_seed=seed))
    door.use(books)
    model = MODELS[name](schema, books, plan, **settings)
    with tempfile.TemporaryDirectory() as folder:
        model.fit(door, State(Path(folder) / "state"), quiet, CPU)
    return model, model.sample(2 * TRAIN, {}, seed, quiet, CPU)


def measured(tokens: Tokens, held: Tokens, books: Codec, schema: Schema) -> dict[str, float]:
    """Distances from the stays looked at, and the AUC for death there."""
    assert schema.label is not None
    names = ("tv1", "tv2", "transition_tv")
    found = {name: METRICS[name].measure(held, tokens, books).value for name in names}
    found["tstr_auc"] = tstr_auc(tokens, held, books, schema.label).value
    return {name: round(value, 4) for name, value in found.items()}


if __name__ == "__main__":
    main()
