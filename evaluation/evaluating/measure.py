"""One full report in a process of its own: prints what it cost as JSON.

python evaluation/evaluating/measure.py --protocol icu-mortality --data FOLDER --train 6000
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from dpsynth.data.codec import Tokens
from dpsynth.evaluation.report import write_report
from dpsynth.evaluation.run import evaluate

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import protocol  # noqa: E402
from copies import synthetic  # noqa: E402

EPSILON = 3.0


def load(name: str, data: Path, size: int) -> protocol.Loaded:
    """A protocol's data: so many patients to train on, all others held out."""
    return protocol.load(protocol.stated(name), data, size, size)


def copy_of(loaded: protocol.Loaded, model: str) -> Tokens:
    """As many patients as were trained on."""
    train, schema, books = loaded.train, loaded.schema, loaded.books
    tokens, _ = synthetic(model, {}, EPSILON, 0, train, schema, books)
    return tokens.take(np.arange(len(train)))


def cost(loaded: protocol.Loaded, copy: Tokens) -> dict[str, float]:
    """Seconds and memory of the report, and of its steps the slowest."""
    books, steps = loaded.books, Clock()
    records = books.decode(copy, np.random.default_rng(0))
    began, worked = time.perf_counter(), time.process_time()
    made = evaluate(loaded.train, loaded.test, records, loaded.schema, books, progress=steps)
    with tempfile.TemporaryDirectory() as folder:
        write_report(made, Path(folder), title="cost")
    return {
        "evaluate_s": time.perf_counter() - began,
        "evaluate_cpu_s": time.process_time() - worked,
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "slowest_step_cpu_s": max(steps.took.values()),
    }


class Clock:
    """Processor seconds of each step, as progress reports it."""

    def __init__(self) -> None:
        self.took: dict[str, float] = {}
        self._name, self._since = "", 0.0

    def __call__(self, name: str, done: int, total: int) -> None:
        """A step begins."""
        now = time.process_time()
        if self._name:
            self.took[self._name] = now - self._since
            print(f"{self._name}: {self.took[self._name]:.1f} s", file=sys.stderr, flush=True)
        self._name, self._since = name, now


def main(words: list[str] | None = None) -> None:
    """Print what the report cost."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--protocol", required=True)
    ask.add_argument("--data", type=Path, required=True)
    ask.add_argument("--train", type=int, required=True)
    ask.add_argument("--model", default="markov")
    ask.add_argument("--copy", type=Path, help="its tokens, from `--keep`")
    ask.add_argument("--keep", type=Path, help="only make the copy, and keep its tokens here")
    asked = ask.parse_args(words)
    torch.set_num_threads(1)
    loaded = load(asked.protocol, asked.data, asked.train)
    if asked.keep is not None:
        np.savez(asked.keep, **copy_of(loaded, asked.model).arrays)
        return
    with np.load(asked.copy) as kept:
        copy = Tokens(**kept)
    found = cost(loaded, copy)
    print(json.dumps(found | {"patients": len(loaded.train), "held_out": len(loaded.test)}))


if __name__ == "__main__":
    main()
