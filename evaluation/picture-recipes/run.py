"""Recipes of others at equal time, on the split of pneumoniamnist: see README.md beside this.

python evaluation/picture-recipes/run.py --data ../shared/data/pneumoniamnist
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch

from dpsynth.data.codec import Codec, codec
from dpsynth.data.demonstration import PNEUMONIA, schema_of
from dpsynth.data.records import Records
from dpsynth.evaluation.shown import Shown, shown
from dpsynth.models.waves import pictures_of
from dpsynth.privacy.budget import Budget

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from copies import DELTA  # noqa: E402
from dp_feta import DpFeta  # noqa: E402
from dp_gan import DpGan  # noqa: E402
from dpdm import Dpdm  # noqa: E402
from picture_door import FILE, opened, split  # noqa: E402
from picture_judge import PictureJudge  # noqa: E402
from recipe import Recipe, Task  # noqa: E402
from results import Results, table  # noqa: E402

RECIPES: dict[str, type[Recipe]] = {"dpdm": Dpdm, "dp-feta": DpFeta, "dp-gan": DpGan}
SCHEMA = schema_of(PNEUMONIA)
SHARED = HERE.parents[2] / "shared/data/pneumoniamnist"


def main(words: list[str] | None = None) -> None:
    """Add the rows that are missing, then print the table."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--data", type=Path, default=SHARED)
    ask.add_argument("--out", type=Path, default=HERE / "results.json")
    ask.add_argument("--epsilons", default="10,1")
    ask.add_argument("--recipes", default=",".join(RECIPES))
    ask.add_argument("--seeds", type=int, default=5)
    ask.add_argument("--limit-s", type=float, default=240, help="processor seconds of training")
    ask.add_argument("--made", type=int, help="pictures to make; else as many as train")
    ask.add_argument("--test", default="test", choices=("val", "test"), help="val: to develop on")
    asked = ask.parse_args(words)
    torch.set_num_threads(1)
    train, held = (split(SCHEMA, asked.data / FILE, each) for each in ("train", asked.test))
    books = codec(SCHEMA.model_copy(update={"population": len(train)}))
    seen, real = (shown(books.encode(each), books, SCHEMA.label) for each in (train, held))
    judge = PictureJudge(seen, real, {}, by_class=False)
    results = Results(asked.out, "picture-recipes", 1)
    for seed in range(asked.seeds):
        for epsilon in (float(each) for each in asked.epsilons.split(",")):
            for name in asked.recipes.split(","):
                if results.holds(model=name, epsilon=epsilon, seed=seed):
                    continue
                copy, facts = copied(name, epsilon, seed, train, books, asked.limit_s, asked.made)
                found = judge.worth(copy, seed) + judge.distances(copy, seed)
                found += [{"metric": k, "value": v} for k, v in facts.items()]
                common = {"model": name, "epsilon": epsilon, "seed": seed, "delta": DELTA}
                results.add([common | row for row in found])
                told = {row["metric"]: round(row["value"], 3) for row in found}
                print(name, epsilon, seed, told, flush=True)
    print(table(results.rows))


def copied(
    name: str,
    epsilon: float,
    seed: int,
    train: Records,
    books: Codec,
    limit_s: float,
    many: int | None,
) -> tuple[Shown, dict[str, float]]:
    """Pictures, each of a patient of its own and as many of each class; seconds and steps."""
    assert books.picture is not None
    size = len(train)  # published
    task = Task(
        size=books.picture.size,
        channels=books.picture.channels,
        classes=2,
        budget=Budget(epsilon=epsilon, delta=DELTA, population=size),
        limit_s=limit_s,
        seed=seed,
    )
    recipe = RECIPES[name](task)
    door = opened(train, books, recipe.plan, seed)
    began = time.process_time()
    recipe.fit(door)
    trained = time.process_time()
    code = torch.arange(many or size) % 2
    copy = Shown(
        pixels=pictures_of(recipe.draw(code)),
        patient=np.arange(len(code)),
        patients=len(code),
        code=code.numpy(),
        classes=("0", "1"),
        positive=code.numpy() == 1,
    )
    done = time.process_time()
    training = recipe.plan.training
    assert training is not None
    return copy, {
        "train_cpu_s": trained - began,
        "generate_cpu_s": done - trained,
        "dp_sgd_steps": training.steps,
        "noise_multiplier": training.noise_multiplier,
    }


if __name__ == "__main__":
    main()
