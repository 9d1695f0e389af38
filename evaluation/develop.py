"""What a setting does, on patients that a protocol leaves for development: none who tests.

python evaluation/develop.py --protocol randhie --models markov,log-linear --epsilons 10,1
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from copies import per_model, synthetic  # noqa: E402
from judge import Judge  # noqa: E402
from protocol import order_of, stated  # noqa: E402

from dpsynth.data.codec import codec  # noqa: E402
from dpsynth.data.reader import read  # noqa: E402
from dpsynth.data.schema_file import load_schema  # noqa: E402

# Places in the order of the protocol's hash: to train from the first to the second, to look at
# from there to the third.
PARTS = {
    "icu-mortality": (0, 4500, 6000),
    "randhie": (0, 3325, 4434),
    "diabetes130": (20_000, 40_000, 50_000),
}


def main(words: list[str] | None = None) -> None:
    """Print one line for each model, epsilon and seed."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--protocol", choices=PARTS, required=True)
    ask.add_argument("--models", default="markov,log-linear")
    ask.add_argument("--epsilons", default="10,1")
    ask.add_argument("--seeds", type=int, default=1)
    ask.add_argument("--data", type=Path, help="the protocol's data, if they lie elsewhere")
    ask.add_argument("--parts", type=int, nargs=3, help="other places, for a small try")
    ask.add_argument("--setting", action="append", default=[], help="name=value of a model")
    asked = ask.parse_args(words)
    names = asked.models.split(",")
    settings = per_model(names, asked.setting, ask)
    torch.set_num_threads(1)
    protocol = stated(asked.protocol)
    first, middle, last = asked.parts or PARTS[asked.protocol]
    if last > protocol.test_from:
        ask.error(f"patients from place {protocol.test_from} on test, and are not for development")
    schema = load_schema(protocol.folder / "schema.yaml")
    schema = schema.model_copy(update={"population": middle - first})
    records, _ = read(protocol.files(asked.data or protocol.data), schema)
    order, books = order_of(records, protocol.name), codec(schema)
    train, look = (records.take(np.sort(order[a:b])) for a, b in ((first, middle), (middle, last)))
    judge = Judge(books, schema, train, look, {})
    show("real", judge, judge.real)
    for seed in range(asked.seeds):
        for name in names:
            for epsilon in map(float, asked.epsilons.split(",")):
                copy, times = synthetic(name, settings[name], epsilon, seed, train, schema, books)
                gate = {k: round(v, 4) for k, v in times.items() if k.startswith("gate")}
                show(f"{name} {epsilon:g} {seed} {times['train_s']:.0f} s {gate}", judge, copy)


def show(title: str, judge: Judge, copy) -> None:  # type: ignore[no-untyped-def]
    """One line of figures."""
    found = {row["metric"]: round(row["value"], 4) for row in judge.overall(copy)}
    print(title, found, flush=True)


if __name__ == "__main__":
    main()
