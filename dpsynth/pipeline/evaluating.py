"""What a synthetic copy is worth, for whom it is worse, and what it leaks: an internal report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dpsynth.data.codec import Codec, codec
from dpsynth.data.field import Field
from dpsynth.data.reader import read
from dpsynth.data.records import Records
from dpsynth.errors import InputError, LedgerError
from dpsynth.evaluation.evaluation import Evaluation
from dpsynth.evaluation.leakage.anonymeter import check
from dpsynth.evaluation.report import write_report
from dpsynth.evaluation.run import evaluate as measure
from dpsynth.models.base import Progress, quiet
from dpsynth.pipeline import digests
from dpsynth.pipeline.access import plain_paths, population_of, split
from dpsynth.pipeline.folders import check_free, claimed, outside_runs
from dpsynth.pipeline.run_folder import RunFolder, new_id
from dpsynth.privacy.discover import exact_field, private_columns
from dpsynth.privacy.ledger import Ledger
from dpsynth.schema import Kind, Schema


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """What `evaluate` found. Internal.

    Attributes:
        files: the report.
        evaluation: every measure.
        population: whose patients were looked at; the ledger holds the access.
    """

    files: list[Path]
    evaluation: Evaluation
    population: str


@dataclass(frozen=True, kw_only=True)
class _Sides:
    """What is compared: real patients trained on and others, the copy, and one without noise.

    `said` is what reading the copy changed.
    """

    trained: Records
    others: Records
    copy: Records
    said: list[str]
    bare: Records | None
    digest: str


def evaluate(
    train: Sequence[str | Path],
    holdout: Sequence[str | Path],
    synthetic: Sequence[str | Path],
    schema: Schema,
    out: str | Path,
    *,
    population: str | None = None,
    privacy: dict[str, Any] | None = None,
    unprotected: Sequence[str | Path] = (),
    ledger: Ledger | None = None,
    seed: int = 0,
    anonymeter: Path | None = None,
    figures: bool = False,
    progress: Progress = quiet,
) -> Evaluated:
    """Compare any synthetic copy with the patients it was made from and with others.

    Reads real records without protection: the ledger says so, and the report is internal.

    Args:
        train: files that the copy was made from.
        holdout: files of patients that it was not made from.
        synthetic: the copy's files or folder.
        schema: public facts about all three.
        out: an empty or new folder, outside any run folder.
        population: the ledger's name of the real patients; none if the files are known.
        privacy: the copy's privacy card, to be shown in the report.
        unprotected: files of a copy by the same model without noise; the ledger says so too.
        ledger, seed, progress: as in `train`.
        anonymeter: Python of an environment that has anonymeter, to run its attacks too; looked
            at before any record is read.
        figures: whether to write every figure as a file too.
    """
    book = ledger or Ledger()
    outside_runs(Path(out), "a report")
    check_free(Path(out))
    if anonymeter is not None:
        check(anonymeter)
    copy, said = read(synthetic, schema, incomplete=True)
    trained, _ = read(train, schema)
    others, _ = read(holdout, schema)
    bare = _bare(unprotected, schema)
    group = population_of(book, plain_paths([*train, *holdout]), population)
    sides = _Sides(
        trained=trained,
        others=others,
        copy=copy,
        said=said.lines(),
        bare=bare,
        digest=_digest(synthetic),
    )
    return _measured(book, group, sides, schema, out, privacy, seed, anonymeter, figures, progress)


def evaluate_run(
    run_folder: str | Path,
    data: Sequence[str | Path],
    synthetic: Sequence[str | Path],
    out: str | Path,
    *,
    unprotected: Sequence[str | Path] = (),
    ledger: Ledger | None = None,
    seed: int = 0,
    anonymeter: Path | None = None,
    figures: bool = False,
    progress: Progress = quiet,
) -> Evaluated:
    """Evaluate a copy of a run that left patients out: they are found again in its data.

    Raises:
        InputError: if the run held nobody out.
    """
    book, folder = ledger or Ledger(), RunFolder(Path(run_folder))
    run = folder.load()
    if run.holdout_rate == 0:
        raise InputError(
            f"{run_folder} held nobody out; train with --holdout 0.2, or give --train and --holdout"
        )
    outside_runs(Path(out), "a report")
    check_free(Path(out))
    if anonymeter is not None:
        check(anonymeter)
    card = folder.card()
    group = population_of(book, plain_paths(data), None)
    if group != run.population:
        raise LedgerError(f"these files are of population {group!r}, the run of {run.population!r}")
    copy, said = read(synthetic, run.schema, incomplete=True)
    records, _ = read(data, run.schema)
    trained, others = split(records, run.holdout_rate, book, group)
    sides = _Sides(
        trained=trained,
        others=others,
        copy=copy,
        said=said.lines(),
        bare=_bare(unprotected, run.schema),
        digest=_digest(synthetic),
    )
    return _measured(book, group, sides, run.schema, out, card, seed, anonymeter, figures, progress)


def _digest(synthetic: Sequence[str | Path]) -> str:
    """By which a release knows the copy again, if it was given as one folder; else empty."""
    folder = Path(synthetic[0])
    return digests.together(digests.of_folder(folder)) if folder.is_dir() else ""


def _bare(unprotected: Sequence[str | Path], schema: Schema) -> Records | None:
    """The copy without noise, if there is one."""
    return read(unprotected, schema)[0] if unprotected else None


def _measured(
    book: Ledger,
    group: str,
    sides: _Sides,
    schema: Schema,
    out: str | Path,
    privacy: dict[str, Any] | None,
    seed: int,
    anonymeter: Path | None,
    figures: bool,
    progress: Progress,
) -> Evaluated:
    with claimed(Path(out)):
        report = new_id()
        book.unprotected(group, run=None, purpose="evaluation of a synthetic copy", report=report)
        if sides.bare is not None:
            book.unprotected(group, run=None, purpose="a copy made without noise, to measure bias")
        found = measure(
            sides.trained,
            sides.others,
            sides.copy,
            schema,
            code_books(schema, sides.trained),
            seed=seed,
            unprotected=sides.bare,
            said=sides.said,
            anonymeter=anonymeter,
            progress=progress,
        )
        written = write_report(
            found,
            Path(out),
            title=f"Synthetic copy of {schema.name}",
            privacy=privacy,
            known_by={"id": report, "copy": sides.digest},
            figures=figures,
        )
    return Evaluated(files=written, evaluation=found, population=group)


def code_books(schema: Schema, real: Records) -> Codec:
    """The schema's code books; private columns get exact ones, for internal use only."""
    columns = private_columns(schema.columns("patient") | schema.columns("visit"))
    wanted = {n: c for n, c in columns.items() if c.type is not Kind.BOOLEAN}
    found: dict[str, Field] = {
        name: exact_field(real, name, column, schema.max_visits) for name, column in wanted.items()
    }
    return codec(schema, found)
