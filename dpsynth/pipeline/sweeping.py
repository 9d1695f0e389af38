"""From data to the curve of worth, fairness and leakage against epsilon. Internal."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dpsynth.data.reader import read
from dpsynth.data.records import Records
from dpsynth.data.split import holdout as held_out
from dpsynth.evaluation.sweep import (
    Cell,
    Decision,
    Judge,
    Measured,
    Thresholds,
    cells,
    decide,
    judge,
    of_real,
)
from dpsynth.evaluation.sweep.report import write_sweep
from dpsynth.models.base import Progress, quiet
from dpsynth.pipeline import parallel
from dpsynth.pipeline.access import (
    absolute,
    afford,
    plain_paths,
    population_of,
    split,
)
from dpsynth.pipeline.choices import look
from dpsynth.pipeline.evaluating import code_books
from dpsynth.pipeline.sweep_asking import Asked, asked_points, check, settings_of
from dpsynth.pipeline.sweep_folder import SweepFolder, opened, prints
from dpsynth.pipeline.sweep_payment import (
    LIKE,
    NO_CHARGE,
    NO_NOISE,
    Mode,
    Payment,
    payment,
    plans,
)
from dpsynth.pipeline.sweep_points import RUNS, Charged, Job, Point, Unpaid, done, work
from dpsynth.pipeline.training import TRIAL_SIZE
from dpsynth.privacy.accountant import renyi
from dpsynth.privacy.budget import budget
from dpsynth.privacy.ledger import Cost, Ledger
from dpsynth.privacy.plan import Plan
from dpsynth.schema import Schema

STAND_IN = bytes(32)  # secret of a stand-in's split: there is nobody to protect
SEEN = "Some of the curve could be seen before these thresholds were stated."
EPSILONS = (0.5, 1.0, 3.0, 10.0, math.inf)


@dataclass(frozen=True, kw_only=True)
class Swept:
    """What `sweep` found. Internal, unless it ran on a stand-in.

    Attributes:
        files: page and JSON.
        payment: who paid, and how much.
        cells: the curve.
        decision: by the thresholds that were given, or none.
        reused: points that an earlier call had done.
        points: all of them.
        violated: run folders whose own audit contradicts their promise.
    """

    files: list[Path]
    payment: Payment
    cells: tuple[Cell, ...]
    decision: Decision | None
    reused: int
    points: int
    violated: tuple[str, ...]


def sweep(
    data: Sequence[str | Path],
    schema: Schema,
    out: str | Path,
    *,
    models: Sequence[str],
    epsilons: Sequence[float] = EPSILONS,
    seeds: int = 3,
    delta: float | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    holdout_rate: float = 0.2,
    holdout: Sequence[str | Path] = (),
    mode: Mode = "charged",
    population: str | None = None,
    patients: int | None = None,
    thresholds: Thresholds | None = None,
    jobs: int = 1,
    backend: parallel.Backend = "loky",
    device: str = "auto",
    ledger: Ledger | None = None,
    told: Callable[[Payment], None] = lambda _: None,
    progress: Progress = quiet,
) -> Swept:
    """Train, generate and measure at each model, epsilon and seed; write one page and one JSON.

    Called again with the same folder it goes on: what is done is not done again, and a training
    that was killed is taken up by the budget that it has reserved. Models, epsilons and seeds
    may be added.

    Args:
        data: files or `table=path`.
        schema: public facts about them.
        out: an empty or new folder, or that of the same sweep; outside any run folder.
        models: registry names.
        epsilons: each > 0; infinite for no noise.
        seeds: trainings of each, at least 1.
        delta: of each training, as in `train`.
        settings: public settings by model.
        holdout_rate: chance of each patient to be kept from training, to measure on.
        holdout: instead, files of patients that nothing is trained on.
        mode: who pays, see `Payment`.
        population: the ledger's name of the patients; none if the files are known, or on a
            stand-in.
        patients: to generate for each copy; none for the public size that is trained on.
        thresholds: what to recommend by, or none; best stated before the curve is seen, and the
            decision says where it was not.
        jobs: points at once.
        backend: by which joblib works on them.
        device, ledger, progress: as in `train`.
        told: called with who pays, before anything is read or trained.

    Raises:
        InputError: on bad input; nothing is trained.
        BudgetError: if the whole sum would pass the ledger's cap; then nothing was trained.
    """
    asked = Asked(
        data=absolute(data),
        others=absolute(holdout),
        schema=schema,
        out=Path(out),
        points=asked_points(models, epsilons, seeds, schema),
        delta=delta,
        settings=settings_of(settings or {}, models),
        rate=0.0 if holdout else holdout_rate,
        mode=mode,
        population=population,
        patients=patients,
        device=device,
        book=ledger or Ledger(),
    )
    check(asked, thresholds, jobs, backend)
    size = schema.population if isinstance(schema.population, int) else None
    if size is not None:
        size = max(round(size * (1 - asked.rate)), 1)
    if size is None:  # not charged, so that any stands for it until the records may be read
        budget(LIKE, delta, 2)
        planned = _planned(replace(asked, delta=None), TRIAL_SIZE, progress)
    else:
        planned = _planned(asked, size, progress)
    paid = _paid(asked, planned)
    told(paid)
    group = paid.population
    if group is not None:
        population_of(asked.book, plain_paths([*data, *holdout]), group)
    folder = opened(asked.out, _recipe(asked, group))
    _say_that_somebody_looks(asked, folder, group)
    progress("reading", 0, 1)
    records, _ = read(data, schema)
    progress("reading", 1, 1)
    if size is None:
        size = max(round(len(records) * (1 - asked.rate)), 1)
        planned = _planned(asked, size, progress)
    train, others = _parts(asked, records, group)
    looked = judge(train, others, schema, code_books(schema, train))
    todo = _jobs(asked, folder, group, looked, planned, train, size)
    _work(todo, jobs, backend, progress)
    return _found(asked, folder, group, paid, looked, train, thresholds, len(todo))


def _paid(asked: Asked, planned: Mapping[tuple[str, float], Plan]) -> Payment:
    """Who pays; a charged sweep is held against the cap as a whole.

    Raises:
        BudgetError: if what is not reserved yet would pass it.
    """
    group = None
    files = plain_paths([*asked.data, *asked.others])
    if asked.mode != "stand-in":
        group = asked.population or asked.book.population_of(files)
    finite = [point for point in asked.points if math.isfinite(point.epsilon)]
    costs = {point: _cost(planned[point.model, point.epsilon]) for point in finite}
    if asked.mode == "charged":
        left = [
            cost
            for point, cost in costs.items()
            if not (asked.out / RUNS / point.name / "run.json").exists()
        ]
        afford(asked.book, files, group, *left)
    return payment(asked.mode, group, list(costs.values()), len(asked.points))


def _cost(plan: Plan) -> Cost:
    return Cost(epsilon=plan.epsilon, delta=plan.delta, renyi=renyi(plan))


def _parts(asked: Asked, records: Records, group: str | None) -> tuple[Records, Records]:
    """Patients to train on, and others to measure on."""
    if asked.others:
        return records, read(asked.others, asked.schema)[0]
    if group is not None:
        return split(records, asked.rate, asked.book, group)
    out = held_out(records.keys, asked.rate, STAND_IN)
    return records.take(np.flatnonzero(~out)), records.take(np.flatnonzero(out))


def _recipe(asked: Asked, group: str | None) -> dict[str, Any]:
    """What all points have in common."""
    secret = STAND_IN if group is None else asked.book.derived_secret(group, "sweep")
    return {
        "mode": asked.mode,
        "population": group,
        "schema": asked.schema.model_dump(mode="json", exclude_defaults=True),
        "data": prints(plain_paths(asked.data), secret),
        "holdout": prints(plain_paths(asked.others), secret) if asked.others else asked.rate,
        "delta": asked.delta,
        "patients": asked.patients,
        "settings": {
            name: dict(sorted(asked.settings.get(name, {}).items()))
            for name in sorted({point.model for point in asked.points})
        },
    }


def _planned(asked: Asked, size: int, progress: Progress) -> Mapping[tuple[str, float], Plan]:
    progress("finding the noise", 0, 1)
    found = plans(asked.points, asked.schema, asked.delta, size, asked.settings)
    progress("finding the noise", 1, 1)
    return found


def _say_that_somebody_looks(asked: Asked, folder: SweepFolder, group: str | None) -> None:
    """Before any record is read: copies are held against real patients."""
    if group is not None:
        what = "real patients were read, to hold copies against them"
        look(asked.book, group, what, run=None, sweep=folder.id)


def _jobs(
    asked: Asked,
    folder: SweepFolder,
    group: str | None,
    looked: Judge,
    planned: Mapping[tuple[str, float], Plan],
    train: Records,
    size: int,
) -> list[Job]:
    """Points that are still to be done."""
    run = Charged(data=asked.data, delta=asked.delta, holdout_rate=asked.rate)
    found = []
    for point in asked.points:
        if done(folder.path, point) is not None:
            continue
        free = math.isinf(point.epsilon)
        charged = asked.mode == "charged" and not free
        bare = Unpaid(
            train=train,
            plan=planned[point.model, point.epsilon],
            exact=free,
            why=NO_NOISE if free else NO_CHARGE,
        )
        found.append(
            Job(
                point=point,
                out=folder.path.resolve(),
                schema=asked.schema,
                settings=asked.settings.get(point.model, {}),
                patients=asked.patients or size,
                device=asked.device,
                judge=looked,
                sweep=folder.id,
                ledger=None if group is None else asked.book.root.resolve(),
                population=group,
                run=run if charged else None,
                bare=None if charged else bare,
            )
        )
    return found


def _work(todo: Sequence[Job], jobs: int, backend: parallel.Backend, progress: Progress) -> None:
    """All of them, and how far it is."""
    total, ended = len(todo), 0

    def told(_: str) -> None:
        nonlocal ended
        ended += 1
        progress("points", ended, total)

    if total:
        progress("points", 0, total)
        parallel.each(work, todo, jobs=jobs, backend=backend, done=told)


def _found(
    asked: Asked,
    folder: SweepFolder,
    group: str | None,
    paid: Payment,
    looked: Judge,
    train: Records,
    thresholds: Thresholds | None,
    fresh: int,
) -> Swept:
    """Curve, decision, page and JSON out of the points' files."""
    copies: list[tuple[Point, dict[str, Any]]] = []
    for point in asked.points:
        facts = done(folder.path, point)
        assert facts is not None
        copies.append((point, facts))
    curve = cells((point.model, point.epsilon, facts["rows"]) for point, facts in copies)
    decision = None
    if thresholds is not None:
        if group is not None:
            what = "model and epsilon were chosen by thresholds on real patients' metrics"
            look(asked.book, group, what, run=None, sweep=folder.id)
        decision = decide(curve, thresholds)
        if fresh < len(asked.points):
            decision = replace(decision, reasons=(*decision.reasons, SEEN))
    real: Sequence[Measured] = of_real(looked, train)
    files = write_sweep(
        folder.path,
        schema=asked.schema,
        sweep=folder.id,
        payment=paid.public(),
        real=real,
        cells=curve,
        decision=decision,
        thresholds=thresholds,
        sizes=(len(train), len(looked.holdout)),
        points=[
            {
                "model": point.model,
                "epsilon": point.epsilon if math.isfinite(point.epsilon) else None,
                "seed": point.seed,
                "delta": facts["delta"] if math.isfinite(point.epsilon) else None,
                "run": facts["run"],
                "rows": [row.public() for row in facts["rows"]],
            }
            for point, facts in copies
        ],
    )
    return Swept(
        files=files,
        payment=paid,
        cells=curve,
        decision=decision,
        reused=len(asked.points) - fresh,
        points=len(asked.points),
        violated=tuple(f["run"] for _, f in copies if f.get("audit") == "violated"),
    )
