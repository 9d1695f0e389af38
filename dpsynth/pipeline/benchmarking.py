"""Does the order of models on a synthetic copy carry over to real patients? Internal."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dpsynth.data.reader import read
from dpsynth.errors import InputError
from dpsynth.evaluation.absent import completed, missing_columns
from dpsynth.evaluation.estimate import Estimate
from dpsynth.evaluation.evaluation import plain
from dpsynth.evaluation.utility.contest import Contest, contest, reached
from dpsynth.evaluation.utility.families import FAMILIES, families
from dpsynth.evaluation.utility.ranking import ranking_agreement, regret
from dpsynth.evaluation.utility.task import task
from dpsynth.models.base import Progress, quiet
from dpsynth.pipeline.access import plain_paths, population_of
from dpsynth.pipeline.evaluating import code_books
from dpsynth.pipeline.folders import outside_runs, write_text
from dpsynth.pipeline.models_named import models_named
from dpsynth.privacy.ledger import Ledger
from dpsynth.schema import Schema


@dataclass(frozen=True, kw_only=True)
class Line:
    """One model.

    Attributes:
        model: its name.
        real: AUC on real holdout patients when trained on real patients.
        copy: the same when trained on the copy.
        seen: AUC on those of the copy's patients that were not trained on: what somebody who
            has the copy only sees. NaN where these have one class.
    """

    model: str
    real: Estimate
    copy: Estimate
    seen: float


@dataclass(frozen=True, kw_only=True)
class Benchmarked:
    """What `benchmark` found. Internal.

    Attributes:
        file: where it was written.
        lines: models that worked, the best on real patients first.
        tau: agreement of the two orders; `tau_real` is that of real patients among themselves.
        regret: AUC lost by the pick; `regret_random` by a random one.
        pick, best: what the copy would have one pick, and the best on real data; none if not
            assessable.
        failed: what other models raised, by name.
        seeds: resamples of each side.
        population: whose patients were looked at; the ledger holds the access.
    """

    file: Path
    lines: tuple[Line, ...]
    tau: Estimate
    tau_real: Estimate
    regret: Estimate
    regret_random: Estimate
    pick: str | None
    best: str | None
    failed: dict[str, str]
    seeds: int
    population: str


def benchmark(
    train: Sequence[str | Path],
    holdout: Sequence[str | Path],
    synthetic: Sequence[str | Path],
    schema: Schema,
    out: str | Path,
    *,
    models: Sequence[str] = (),
    seeds: int = 3,
    population: str | None = None,
    ledger: Ledger | None = None,
    seed: int = 0,
    progress: Progress = quiet,
) -> Benchmarked:
    """Train models on real patients and on the copy, and compare their orders on others.

    Reads real records without protection: the ledger says so, and the result is internal.

    Args:
        train: files that the copy was made from.
        holdout: files of patients that it was not made from.
        synthetic: the copy's files or folder.
        schema: public facts about all three; its label is predicted.
        out: a new JSON file, outside any run folder.
        models: names, as in `models_named`; none: our own kinds of models.
        seeds: resamples of patients that each model is trained on, of each side, at least 2.
        population: the ledger's name of the real patients; none if the files are known.
        ledger, seed, progress: as in `train`.

    Raises:
        InputError: if the schema names no label, a model can't be found, or `out` is taken.
    """
    book, file = ledger or Ledger(), Path(out)
    _check(schema, file, seeds)
    named = models_named(models)
    copy, _ = read(synthetic, schema)
    trained, _ = read(train, schema)
    others, _ = read(holdout, schema)
    code = code_books(schema, trained)
    for name, records in (("training", trained), ("holdout", others)):
        if not len(records) or missing_columns(records, code):
            raise InputError(f"the {name} records are empty or lack a column of the schema")
    suited = families(code)
    if any(name in FAMILIES and name not in suited for name in named):
        raise InputError("the model 'gru' reads visits in turn, and these data have none")
    kinds = named or suited
    group = population_of(book, plain_paths([*train, *holdout]), population)
    book.unprotected(group, run=None, purpose="benchmark of models on a synthetic copy")
    assert schema.label is not None
    real, made, judged = (
        task(records, code, schema.label) for records in (trained, completed(copy, code), others)
    )
    order = {name: place for place, name in enumerate(kinds)}
    held = contest(
        real,
        made,
        judged,
        kinds,
        seeds=seeds,
        seed=seed,
        told=lambda name: progress("models", order[name], len(order)),
        set_aside=(Exception,),
    )
    found = _found(held, file, seeds, seed, group)
    write_text(file, json.dumps(_facts(found, schema.name), indent=1, allow_nan=False) + "\n")
    return found


def _check(schema: Schema, out: Path, seeds: int) -> None:
    """Refuse what can't be done before any real record is read."""
    if schema.label is None:
        raise InputError("the schema names no label; a benchmark needs one, to be predicted")
    if seeds < 2:
        raise InputError(f"seeds must be at least 2, got {seeds!r}")
    if out.exists() or not out.resolve().parent.is_dir():
        why = "is there already" if out.exists() else "lies in a folder that does not exist"
        raise InputError(f"{out} {why}; choose another file")
    outside_runs(out, "a benchmark")


def _found(held: Contest, file: Path, seeds: int, seed: int, group: str) -> Benchmarked:
    """Values and intervals of a contest."""
    lines = [
        Line(
            model=name,
            real=reached(held.real[:, place], held.patients),
            copy=reached(held.copy[:, place], held.patients),
            seen=float(held.seen_copy[place].mean()),
        )
        for place, name in enumerate(held.names)
    ]
    lines.sort(key=lambda line: -line.real.value if line.real.assessable else 0.0)
    price = regret(held.real, held.seen_copy, held.patients, seed=seed)
    named = price.assessable
    return Benchmarked(
        file=file,
        lines=tuple(lines),
        tau=ranking_agreement(held.real, held.copy, held.patients, seed=seed),
        tau_real=ranking_agreement(held.real, None, held.patients, seed=seed),
        regret=price,
        regret_random=regret(held.real, None, held.patients, seed=seed),
        pick=held.names[int(held.seen_copy.mean(axis=1).argmax())] if named else None,
        best=lines[0].model if named else None,
        failed=dict(held.failed),
        seeds=seeds,
        population=group,
    )


def _facts(found: Benchmarked, name: str) -> dict[str, Any]:
    """For machines; what can't be assessed is null."""
    facts = dataclasses.asdict(found)
    del facts["file"]
    made: dict[str, Any] = plain({"internal": True, "data": name, **facts})
    return made
