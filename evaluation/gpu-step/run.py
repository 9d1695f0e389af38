"""Protocol gpu-step: see README.md beside this file.

python evaluation/gpu-step/run.py --device cuda --data ../shared/data/ham10000
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from dpsynth.data.codec import Codec, codec
from dpsynth.data.demonstration import schema_of
from dpsynth.data.phantoms import chest
from dpsynth.data.pictures import write_images
from dpsynth.data.reader import read
from dpsynth.data.records import Records
from dpsynth.models.base import quiet
from dpsynth.models.image_diffusion import ImageDiffusion
from dpsynth.models.state import State
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.draws import RowDraws
from dpsynth.privacy.noise import CryptoStream
from dpsynth.schema import Schema

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from copies import DELTA, per_model  # noqa: E402
from picture_protocol import sized  # noqa: E402
from protocol import stated  # noqa: E402
from results import Results, table  # noqa: E402

RECIPES = HERE.parents[1] / "models/image-diffusion"
EPSILON, SEED, ROUNDS = 10.0, 0, 5
PATIENTS = 300  # of phantoms


def phantoms(size: int, data: Path) -> tuple[Schema, Records]:
    """Chest X-rays drawn by a program, grey."""
    made, schema = chest(PATIENTS, 1, size), sized(schema_of("chest-phantoms"), size)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_images(made.images, place / "scans", made.table["image"].tolist())
        made.facts().to_csv(place / "chests.csv", index=False)
        return schema, read([place / "chests.csv"], schema)[0]


def lesions(size: int, data: Path) -> tuple[Schema, Records]:
    """HAM10000, the training part of its protocol, in colour."""
    protocol: Any = stated("ham10000")
    schema = sized(protocol.schema, size)
    return schema, protocol.parts(schema, data, "test")[0]


@dataclass(frozen=True)
class Case:
    """Pictures of a side, and the recipe whose step is timed on them."""

    records: Callable[[int, Path], tuple[Schema, Records]]
    size: int
    recipe: str


CASES = {
    "ham10000, 64 px": Case(lesions, 64, "recipe-64.toml"),
    "chest phantoms, 128 px": Case(phantoms, 128, "recipe-128.toml"),
}


def main(words: list[str] | None = None) -> None:
    """Add the rows that are missing, then print the table."""
    ask = argparse.ArgumentParser(description="Cost of a private step on large pictures.")
    ask.add_argument("--data", type=Path, default=HERE.parents[2] / "shared/data/ham10000")
    ask.add_argument("--out", type=Path, default=HERE / "results.json")
    ask.add_argument("--cases", default=";".join(CASES), help="names, semicolon between")
    ask.add_argument("--device", default="cuda")
    ask.add_argument("--setting", action="append", default=[], help="name=value of the recipe")
    ask.add_argument("--threads", type=int, default=torch.get_num_threads())
    asked = ask.parse_args(words)
    torch.set_num_threads(asked.threads)
    results, device = Results(asked.out, "gpu-step", asked.threads), torch.device(asked.device)
    cuda = device.type == "cuda"
    where = torch.cuda.get_device_name(device) if cuda else asked.device
    changed = per_model(["image-diffusion"], asked.setting, ask)["image-diffusion"]
    for name in asked.cases.split(";"):
        case = CASES[name]
        settings = tomllib.loads((RECIPES / case.recipe).read_text())["settings"] | changed
        key = {"model": "image-diffusion", "route": f"{name}, width {settings['width']}"}
        if not results.holds(**key):
            schema, records = case.records(case.size, asked.data)
            found = cost(schema, records, settings, device)
            results.add([key | {"device": where} | row for row in found])
    print(table(results.rows))


def cost(
    schema: Schema, records: Records, settings: Mapping[str, Any], device: torch.device
) -> list[dict[str, Any]]:
    """A private step beside the plain one of the same network on as many rows, taking turns."""
    schema, books = schema.model_copy(update={"population": len(records)}), codec(schema)
    promise = Budget(epsilon=EPSILON, delta=DELTA, population=len(records))
    plan = ImageDiffusion.plan(schema, promise, 0.0, **settings)
    # Public data: the seed makes the row repeatable. A release would refuse it.
    door = Door(records, plan=plan, randomness=CryptoStream(insecure_seed=SEED), device=device)
    door.use(books)
    model = ImageDiffusion(schema, books, plan, **settings)
    begin(model, door, device)
    training, micro = plan.training, model.settings.micro_batch
    assert training is not None
    net, objective, size = model.net, model.objective, int(training.expected_batch)
    rows = made_up(books, size, device)

    def private() -> None:
        door.step(net, objective, micro)

    def plain() -> None:
        index = torch.arange(size, device=device).repeat_interleave(training.views)
        draws = RowDraws(torch.arange(size, device=device), SEED, training.views)
        ready = objective.prepare(tuple(part[index] for part in rows), draws)
        step = (micro or size) * training.views
        net.zero_grad()
        for start in range(0, len(index), step):
            part = [each[start : start + step] for each in ready]
            (objective.loss(net, *part).sum() / len(index)).backward()  # type: ignore[no-untyped-call]

    taken: dict[str, list[float]] = {"plain_step": [], "private_step": []}
    most = dict.fromkeys(taken, 0.0)
    for turn in range(ROUNDS + 1):
        for name, step in (("plain_step", plain), ("private_step", private)):
            seconds, gib = measured(step, device)
            most[name] = max(most[name], gib)
            if turn:  # the first is for warming up
                taken[name].append(seconds)
    ratio = median(b / a for a, b in zip(*taken.values(), strict=True))
    found = [{"metric": f"{name}_s", "value": median(t)} for name, t in taken.items()]
    found.append({"metric": "step_ratio", "value": ratio})
    if device.type == "cuda":
        found += [{"metric": f"{name}_gib", "value": gib} for name, gib in most.items()]
    weights = sum(p.numel() for p in net.parameters())
    return [row | {"n": size, "k": training.views, "weights": weights} for row in found]


def begin(model: ImageDiffusion, door: Door, device: torch.device) -> None:
    """The warm start, then the network on its device."""
    with tempfile.TemporaryDirectory() as folder:
        model._start.fit(door, State(Path(folder) / "state"), quiet)
    model._centre(device)
    model.net.to(device)


def made_up(books: Codec, patients: int, device: torch.device) -> tuple[torch.Tensor, ...]:
    """Patients of one picture each, as a step takes them."""
    picture = books.picture
    assert picture is not None
    static = torch.zeros(patients, len(books.static), dtype=torch.long)
    visits = torch.zeros(patients, books.max_visits, len(books.visit), dtype=torch.long)
    length = torch.ones(patients, dtype=torch.long)
    shape = patients, books.max_visits, picture.size, picture.size, picture.channels
    pictures = torch.from_numpy(np.random.default_rng(SEED).integers(0, 256, shape, np.uint8))
    return tuple(part.to(device) for part in (static, visits, length, pictures))


def measured(step: Callable[[], None], device: torch.device) -> tuple[float, float]:
    """Seconds, and the most GPU memory in GiB (0 where there is no GPU)."""
    if device.type != "cuda":
        began = time.perf_counter()
        step()
        return time.perf_counter() - began, 0.0
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    began = time.perf_counter()
    step()
    torch.cuda.synchronize()
    return time.perf_counter() - began, torch.cuda.max_memory_allocated() / 2**30


if __name__ == "__main__":
    main()
