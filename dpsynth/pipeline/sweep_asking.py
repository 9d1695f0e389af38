"""What a sweep was asked, checked before any record is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dpsynth.errors import InputError
from dpsynth.evaluation.sweep import Thresholds
from dpsynth.models import PICTURE_MODELS, RECORD_MODELS
from dpsynth.pipeline import parallel
from dpsynth.pipeline.access import check_rate, plain_paths
from dpsynth.pipeline.device import chosen_device
from dpsynth.pipeline.sweep_folder import check_folder
from dpsynth.pipeline.sweep_payment import Mode, check_mode
from dpsynth.pipeline.sweep_points import Point, grid
from dpsynth.privacy.ledger import Ledger
from dpsynth.schema import Schema


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What `sweep` was asked, checked."""

    data: Sequence[str | Path]
    others: Sequence[str | Path]
    schema: Schema
    out: Path
    points: tuple[Point, ...]
    delta: float | None
    settings: Mapping[str, Mapping[str, Any]]
    rate: float
    mode: Mode
    population: str | None
    patients: int | None
    device: str
    book: Ledger


def asked_points(
    models: Sequence[str], epsilons: Sequence[float], seeds: int, schema: Schema
) -> tuple[Point, ...]:
    """Every point, or why there is none.

    Raises:
        InputError: naming what is wrong.
    """
    suited = RECORD_MODELS if schema.picture is None else PICTURE_MODELS
    for name in models:
        if name not in suited:
            kind = "of pictures" if schema.picture is not None else "of records"
            raise InputError(f"model must be one of {', '.join(suited)} ({kind}), got {name!r}")
    for value in epsilons:
        if not value > 0:  # also not a number
            raise InputError(f"epsilon must be a positive number, or inf, got {value!r}")
    for what, given in (("models", models), ("epsilons", epsilons)):
        if not given or len(set(given)) < len(given):
            raise InputError(f"{what} must be at least one, none of them twice, got {given!r}")
    if seeds < 1:
        raise InputError(f"seeds must be at least 1, got {seeds!r}")
    return grid(models, sorted(float(each) for each in epsilons), seeds)


def settings_of(
    given: Mapping[str, Mapping[str, Any]], models: Sequence[str]
) -> Mapping[str, Mapping[str, Any]]:
    """Settings of models that are swept."""
    for name in given:
        if name not in models:
            raise InputError(f"a setting of {name!r}, which is not among {', '.join(models)}")
    return given


def check(
    asked: Asked, thresholds: Thresholds | None, jobs: int, backend: parallel.Backend
) -> None:
    """Refuse what can be refused before any record is read."""
    check_rate(asked.rate)
    if not asked.others and asked.rate == 0:
        raise InputError("a sweep measures on patients held out: give a holdout rate above 0")
    check_mode(asked.mode, asked.schema)
    if asked.schema.population is None:
        raise InputError(
            f"the schema lacks population: state the public number of {asked.schema.unit}s"
        )
    if asked.patients is not None and asked.patients < 1:
        raise InputError(f"n must be at least 1, got {asked.patients!r}")
    if thresholds is not None and asked.schema.label is None:
        raise InputError("the schema names no label, so there is no loss to recommend by")
    chosen_device(asked.device)
    parallel.check_backend(backend, jobs)
    check_folder(asked.out)
    if asked.mode == "stand-in":
        _check_stand_in(asked)


def _check_stand_in(asked: Asked) -> None:
    """Refuse patients of a ledger as a public stand-in.

    Raises:
        InputError: naming the file and whose it is.
        LedgerError: if the ledger is broken, so that it can't tell.
    """
    if asked.population is not None:
        raise InputError("a stand-in has no population: leave --population out, or --stand-in")
    for file in plain_paths([*asked.data, *asked.others]):
        if owners := sorted(asked.book.owners([file])):
            raise InputError(
                f"{file} belongs to population {owners[0]!r} of the ledger: its patients are no "
                "public stand-in; leave --stand-in out, or take other data"
            )
