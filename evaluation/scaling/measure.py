"""One point of the scaling protocol, in a process of its own: prints its figures as JSON.

python evaluation/scaling/measure.py --data FOLDER --patients 1000 --model markov
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import torch

from dpsynth.data.codec import codec
from dpsynth.data.reader import read
from dpsynth.data.schema_file import load_schema
from dpsynth.models import MODELS
from dpsynth.models.base import quiet
from dpsynth.models.state import State
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.noise import CryptoStream

HERE = Path(__file__).resolve().parent
FILE = "diabetic_data.parquet"
EPSILON, DELTA = 3.0, 1e-5


class Steps:
    """The CPU time at which training reported its steps; its other stages are not kept."""

    def __init__(self) -> None:
        self.at: list[tuple[int, float]] = []

    def __call__(self, stage: str, done: int, of: int) -> None:
        """Take a report of progress."""
        if stage == "training":
            self.at.append((done, time.process_time()))

    @property
    def one(self) -> float:
        """Seconds of one step; the first is left out, for it warms caches."""
        (first, began), (last, ended) = self.at[0], self.at[-1]
        return (ended - began) / (last - first)


def point(
    model: str, data: Path, patients: int, seed: int, settings: dict[str, float]
) -> dict[str, float]:
    """CPU seconds and GiB of training on so many patients and of generating as many."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    found = {"base_gb": peak()}
    schema = load_schema(HERE.parent / "diabetes130/schema.yaml")
    schema = schema.model_copy(update={"population": patients})
    records, _ = read([data / FILE], schema)
    plan = MODELS[model].plan(
        schema, Budget(epsilon=EPSILON, delta=DELTA, population=patients), 0.0, **settings
    )
    books, device, steps = codec(schema), torch.device("cpu"), Steps()
    door = Door(records, plan=plan, randomness=CryptoStream(insecure_seed=seed))
    door.use(books)
    fitted = MODELS[model](schema, books, plan, **settings)
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        fitted.fit(door, State(Path(folder) / "state"), steps, device)
    trained = time.process_time()
    # A model without steps reads everybody once.
    found["epoch_s"] = trained - began
    if plan.training is not None:
        found["epoch_s"] = steps.one / plan.training.sample_rate
        found["before_s"] = trained - began - steps.one * plan.training.steps
    began = time.process_time()
    fitted.sample(patients, {}, seed, quiet, device)
    found["generate_s"] = time.process_time() - began
    return found | {"peak_gb": peak()}


def peak() -> float:
    """Most memory that this process has held, GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--data", type=Path, required=True)
    ask.add_argument("--patients", type=int, required=True)
    ask.add_argument("--model", required=True)
    ask.add_argument("--seed", type=int, default=0)
    ask.add_argument("--settings", type=json.loads, default={})
    asked = ask.parse_args()
    print(json.dumps(point(asked.model, asked.data, asked.patients, asked.seed, asked.settings)))


if __name__ == "__main__":
    main()
