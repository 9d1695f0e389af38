"""Protocol pneumoniamnist: see README.md beside this file.

python evaluation/pneumoniamnist/run.py --data ../shared/data/pneumoniamnist
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from dpsynth.data.codec import codec
from dpsynth.data.schema_file import load_schema
from dpsynth.models import PICTURE_MODELS

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import dp_classifier  # noqa: E402
from copies import DELTA, per_model, synthetic  # noqa: E402
from picture_door import FILE, pictures, split  # noqa: E402
from picture_judge import rows  # noqa: E402
from results import Results, table  # noqa: E402

SHARED = HERE.parents[2] / "shared/data/pneumoniamnist"


def main(words: list[str] | None = None) -> None:
    """Add the rows that are missing, then print the table."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--data", type=Path, default=SHARED)
    ask.add_argument("--out", type=Path, default=HERE / "results.json")
    ask.add_argument("--epsilons", default="10,3,1")
    ask.add_argument("--models", default=",".join([*PICTURE_MODELS, dp_classifier.NAME]))
    ask.add_argument("--seeds", type=int, default=5)
    ask.add_argument("--test", default="test", choices=("val", "test"), help="val: to develop on")
    ask.add_argument("--setting", action="append", default=[], help="name=value of a model")
    ask.add_argument("--threads", type=int, default=1)
    ask.add_argument("--device", default="cpu", help="of the networks; another one is on its rows")
    asked = ask.parse_args(words)
    names = asked.models.split(",")
    models = [name for name in names if name != dp_classifier.NAME]
    settings = per_model(models, asked.setting, ask)
    torch.set_num_threads(asked.threads)
    schema = load_schema(HERE / "schema.yaml")
    train, held = (split(schema, asked.data / FILE, each) for each in ("train", asked.test))
    schema = schema.model_copy(update={"population": len(train)})
    books = codec(schema)
    seen, real = pictures(books.encode(train)), pictures(books.encode(held))
    results = Results(asked.out, "pneumoniamnist", asked.threads)
    for seed in range(asked.seeds):
        if not results.holds(model="real", seed=seed):
            found = rows(seen, real, seed)
            results.add([{"model": "real", "epsilon": None, "seed": seed} | row for row in found])
        for epsilon in (float(each) for each in asked.epsilons.split(",")):
            for name in names:
                if results.holds(model=name, epsilon=epsilon, seed=seed):
                    continue
                if name in models:
                    case = name, settings[name], epsilon, seed
                    copy, times = synthetic(*case, train, schema, books, asked.device)
                    found = rows(pictures(copy), real, seed)
                    found += [{"metric": k, "value": v} for k, v in times.items()]
                else:
                    found = dp_classifier.rows(train, books, len(train), real, epsilon, seed)
                common = {"model": name, "epsilon": epsilon, "seed": seed, "delta": DELTA}
                common |= {} if asked.device == "cpu" else {"device": asked.device}
                results.add([common | row for row in found])
                told = {row["metric"]: round(row["value"], 3) for row in found}
                print(name, epsilon, seed, told, flush=True)
    print(table(results.rows))


if __name__ == "__main__":
    main()
