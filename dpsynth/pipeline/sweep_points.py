"""One point of a sweep: a model is trained at an epsilon, a copy made and measured, once."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dpsynth.data.codec import Codec, codec
from dpsynth.data.records import Records
from dpsynth.errors import LedgerError, RunError
from dpsynth.evaluation.sweep import Judge, Measured, measured
from dpsynth.models.base import Progress, quiet
from dpsynth.pipeline import training
from dpsynth.pipeline.choices import look
from dpsynth.pipeline.device import chosen_device
from dpsynth.pipeline.folders import alone, write_text
from dpsynth.pipeline.run_folder import RunFolder
from dpsynth.pipeline.sampling import plain_copy
from dpsynth.pipeline.unpaid import UnpaidTraining
from dpsynth.privacy.discover import private_columns
from dpsynth.privacy.door import Door
from dpsynth.privacy.ledger import Ledger
from dpsynth.privacy.plan import Plan
from dpsynth.schema import Schema

POINTS, RUNS = "points", "runs"  # folders of a sweep


@dataclass(frozen=True, kw_only=True)
class Point:
    """One training of a sweep.

    Attributes:
        model: registry name.
        epsilon: infinite without noise.
        seed: number of the training; also the seed of generation.
    """

    model: str
    epsilon: float
    seed: int

    @property
    def name(self) -> str:
        """Of its files."""
        return f"{self.model}-{self.epsilon!r}-{self.seed}"


def grid(models: Sequence[str], epsilons: Sequence[float], seeds: int) -> tuple[Point, ...]:
    """Every point; all at one seed before the next, so that a part of it is a whole curve."""
    return tuple(
        Point(model=model, epsilon=epsilon, seed=seed)
        for seed in range(seeds)
        for model in models
        for epsilon in epsilons
    )


@dataclass(frozen=True, kw_only=True)
class Job:
    """All that a worker needs for one point. It holds real records.

    Attributes:
        point: which.
        out: the sweep's folder.
        schema: public facts.
        settings: of the model.
        patients: to generate.
        device: to train on.
        judge: the real patients that the copy is held against.
        sweep: id, for the ledger.
        ledger: its folder, and `population` its name there; none on a stand-in.
        run: how to train by the ledger, if that is who pays: see `Charged`.
        bare: how to train outside it: see `Unpaid`.
    """

    point: Point
    out: Path
    schema: Schema
    settings: Mapping[str, Any]
    patients: int
    device: str
    judge: Judge
    sweep: str
    ledger: Path | None
    population: str | None
    run: Charged | None
    bare: Unpaid | None


@dataclass(frozen=True, kw_only=True)
class Charged:
    """A run like any other: reserved in the ledger, audited, with a card; it may be released.

    Attributes:
        data, delta, holdout_rate: as `train` takes them.
    """

    data: Sequence[str | Path]
    delta: float | None
    holdout_rate: float


@dataclass(frozen=True, kw_only=True)
class Unpaid:
    """A training that no budget pays for, so that nothing of it may stay.

    Attributes:
        train: the records.
        plan: calibrated, or `bare` of noise.
        exact: whether private columns have the exact code books, as befits a plan without noise.
        why: for the ledger, in words.
    """

    train: Records
    plan: Plan
    exact: bool
    why: str


def done(out: Path, point: Point) -> dict[str, Any] | None:
    """What was found at a point, or none if it is still to be done.

    Raises:
        RunError: if its file is broken.
    """
    path = out / POINTS / f"{point.name}.json"
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        facts["rows"] = [Measured.from_public(row) for row in facts["rows"]]
        facts["run"], facts["delta"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path} is broken: {error}; delete it, and it is done again") from error
    return facts


def work(job: Job, progress: Progress = quiet) -> str:
    """Do one point and write down what was found, whole or not at all.

    A point that was killed is taken up again: a charged run where it stopped, by the budget
    that it has reserved; any other from its beginning, as another access.

    Returns:
        The point's name.

    Raises:
        RunError: if another process is at this very point.
    """
    with lock(job.out, job.point.name):
        if done(job.out, job.point) is None:  # another process may just have done it
            found, facts = _charged(job, progress) if job.run else _unpaid(job, progress)
            rows = [row.public() for row in found]
            _write(job, {**facts, "rows": rows})
    return job.point.name


def _write(job: Job, facts: Mapping[str, Any]) -> None:
    point = job.point
    named = {
        "model": point.model,
        "epsilon": point.epsilon if math.isfinite(point.epsilon) else None,
        "seed": point.seed,
    }
    path = job.out / POINTS / f"{point.name}.json"
    write_text(path, json.dumps({**named, **facts}, allow_nan=False) + "\n")


def _charged(job: Job, progress: Progress) -> tuple[Sequence[Measured], dict[str, Any]]:
    assert job.run is not None and job.ledger is not None and job.population is not None
    book, folder = Ledger(job.ledger), job.out / RUNS / job.point.name
    if job.population not in book.populations():  # the sweep has written an entry there
        raise LedgerError(
            f"this worker sees another ledger: {job.ledger} has no population "
            f"{job.population!r} here; keep ledger and data on a disk that all workers share"
        )
    if (folder / "run.json").exists():
        if RunFolder(folder).open():  # killed while it trained, or just before it was closed
            training.resume(job.run.data, folder, device=job.device, ledger=book, progress=progress)
    else:
        shutil.rmtree(folder, ignore_errors=True)  # nothing was reserved yet
        training.train(
            job.run.data,
            job.schema,
            folder,
            epsilon=job.point.epsilon,
            delta=job.run.delta,
            model=job.point.model,
            settings=job.settings,
            population=job.population,
            holdout_rate=job.run.holdout_rate,
            device=job.device,
            ledger=book,
            progress=progress,
        )
    run = RunFolder(folder).load()
    look(book, job.population, "a copy was measured", run=run.id, sweep=job.sweep)
    copy = plain_copy(
        RunFolder(folder).load_model(run),
        job.schema,
        run.codec,
        job.patients,
        seed=job.point.seed,
        device=chosen_device(job.device),
        progress=progress,
    )
    facts = {
        "run": f"{RUNS}/{job.point.name}",
        "delta": run.plan.delta,
        "audit": RunFolder(folder).card()["audit"].get("verdict"),
    }
    return measured(job.judge, copy), facts


def _unpaid(job: Job, progress: Progress) -> tuple[Sequence[Measured], dict[str, Any]]:
    """Train, measure and forget: neither the model nor its copy ever has a file."""
    assert job.bare is not None
    how, point = job.bare, job.point
    if job.ledger is not None and job.population is not None:
        look(Ledger(job.ledger), job.population, how.why, run=None, sweep=job.sweep)
    device = chosen_device(job.device)
    made = UnpaidTraining(
        model=point.model, settings=job.settings, plan=how.plan, schema=job.schema
    )
    door = made.door(how.train, device)
    copy = made.copy(
        door,
        job.judge.codec if how.exact else _discovered(door, job.schema),
        job.patients,
        seed=point.seed,
        device=device,
        progress=progress,
    )
    return measured(job.judge, copy), {"run": None, "delta": how.plan.delta}


def _discovered(door: Door, schema: Schema) -> Codec:
    """The code books, those of private columns by noisy answers as in any run."""
    columns = schema.columns("patient") | schema.columns("visit")
    if not private_columns(columns):
        return codec(schema)
    return codec(schema, door.discover(columns, schema.max_visits))


def lock(out: Path, name: str) -> AbstractContextManager[None]:
    """Be the only process at a point."""
    path = out / POINTS / f"{name}.lock"
    path.touch(mode=0o600)
    return alone(path, f"on {name} in {out}")
