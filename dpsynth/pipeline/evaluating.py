"""What a synthetic copy is worth, for whom it is worse, and what it leaks: an internal report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dpsynth.data.codec import Codec, codec
from dpsynth.data.field import Field
from dpsynth.data.reader import read
from dpsynth.data.records import Records
from dpsynth.errors import InputError, LedgerError
from dpsynth.evaluation.evaluation import Evaluation
from dpsynth.evaluation.leakage.anonymeter import check
from dpsynth.evaluation.leakage.black_box import Coins
from dpsynth.evaluation.report import NOT_CHECKED, write_report
from dpsynth.evaluation.run import evaluate as measure
from dpsynth.models.base import Progress, quiet
from dpsynth.pipeline import copies, digests
from dpsynth.pipeline.access import plain_paths, population_of, split
from dpsynth.pipeline.device import chosen_device
from dpsynth.pipeline.folders import check_free, claimed, outside_runs
from dpsynth.pipeline.given_card import MADE, check_card
from dpsynth.pipeline.run_folder import Run, RunFolder, new_id
from dpsynth.pipeline.unpaid import UnpaidTraining
from dpsynth.privacy.bare import bare
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

    The last is made or read once the ledger has said so. How patients were held out is known of
    a run; `said` is what reading the copy changed.
    """

    trained: Records
    others: Records
    copy: Records
    said: list[str]
    bare: Callable[[], Records] | None
    digest: str
    coins: Coins | None = None


@dataclass(frozen=True, kw_only=True)
class _Shown:
    """The card that the report shows, and how far it is known to be of this copy."""

    card: dict[str, Any] | None
    check: str


def evaluate(
    train: Sequence[str | Path],
    holdout: Sequence[str | Path],
    synthetic: Sequence[str | Path],
    schema: Schema,
    out: str | Path,
    *,
    population: str | None = None,
    privacy: dict[str, Any] | None = None,
    beside: Path | None = None,
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
        beside: the folder that the card lies in, where a run's copies are known.
        unprotected: files of a copy by the same model without noise; the ledger says so too.
        ledger, seed, progress: as in `train`.
        anonymeter: Python of an environment that has anonymeter, to run its attacks too; looked
            at before any record is read.
        figures: whether to write every figure as a file too.

    Raises:
        PromiseError: if the card is of other files; then no real record was read.
    """
    book = ledger or Ledger()
    outside_runs(Path(out), "a report")
    check_free(Path(out))
    if anonymeter is not None:
        check(anonymeter)
    shown = _Shown(card=privacy, check=check_card(privacy, synthetic, beside))
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
    return _measured(book, group, sides, schema, out, shown, seed, anonymeter, figures, progress)


def evaluate_run(
    run_folder: str | Path,
    data: Sequence[str | Path],
    synthetic: Sequence[str | Path],
    out: str | Path,
    *,
    unprotected: Sequence[str | Path] = (),
    without_noise: bool = False,
    ledger: Ledger | None = None,
    seed: int = 0,
    anonymeter: Path | None = None,
    figures: bool = False,
    progress: Progress = quiet,
) -> Evaluated:
    """Evaluate a copy of a run that left patients out: they are found again in its data.

    Args:
        run_folder: of the run.
        data: what it read.
        synthetic: the copy's files or folder.
        out: an empty or new folder, outside any run folder.
        unprotected, ledger, seed, anonymeter, figures, progress: as in `evaluate`.
        without_noise: train the run's model again, without noise, instead of `unprotected`. The
            ledger says so; what was learnt and made is deleted after measuring.

    Raises:
        InputError: if the run held nobody out.
    """
    book, folder = ledger or Ledger(), RunFolder(Path(run_folder))
    run = folder.load()
    if without_noise and unprotected:
        raise InputError("give a copy without noise, or have one made, not both")
    if without_noise and run.public_data:
        raise InputError(
            "the run's network learnt from public pictures first, which are not kept; make the "
            "copy without noise yourself and give it as --unprotected"
        )
    if run.holdout_rate == 0:
        raise InputError(
            f"{run_folder} held nobody out; train with --holdout 0.2, or give --train and --holdout"
        )
    outside_runs(Path(out), "a report")
    check_free(Path(out))
    if anonymeter is not None:
        check(anonymeter)
    digest = _digest(synthetic)
    made = any(each.digest == digest for each in copies.noted(folder.path))
    card = folder.card()
    shown = _Shown(card=card, check=MADE if made else NOT_CHECKED)
    group = population_of(book, plain_paths(data), None)
    if group != run.population:
        raise LedgerError(f"these files are of population {group!r}, the run of {run.population!r}")
    copy, said = read(synthetic, run.schema, incomplete=True)
    records, _ = read(data, run.schema)
    trained, others = split(records, run.holdout_rate, book, group)
    noiseless = _bare(unprotected, run.schema)
    if without_noise:
        noiseless = partial(_without_noise, run, trained, len(copy), seed, progress)
    sides = _Sides(
        trained=trained,
        others=others,
        copy=copy,
        said=said.lines(),
        bare=noiseless,
        digest=digest,
        coins=Coins(held_out=run.holdout_rate, delta=card["guarantee"]["delta"]),
    )
    return _measured(
        book, group, sides, run.schema, out, shown, seed, anonymeter, figures, progress
    )


def _digest(synthetic: Sequence[str | Path]) -> str:
    """By which a release knows the copy again, if it was given as one folder; else empty."""
    folder = Path(synthetic[0])
    return digests.together(digests.of_folder(folder)) if folder.is_dir() else ""


def _bare(unprotected: Sequence[str | Path], schema: Schema) -> Callable[[], Records] | None:
    """The copy without noise, if there is one."""
    if not unprotected:
        return None
    found = read(unprotected, schema)[0]
    return lambda: found


def _without_noise(
    run: Run, trained: Records, patients: int, seed: int, progress: Progress
) -> Records:
    """The run's model trained again, without noise, and as many patients of it."""
    device = chosen_device("auto")
    made = UnpaidTraining(
        model=run.model, settings=run.settings, plan=bare(run.plan), schema=run.schema
    )
    return made.copy(
        made.door(trained, device),
        code_books(run.schema, trained),
        patients,
        seed=seed,
        device=device,
        progress=progress,
    )


def _measured(
    book: Ledger,
    group: str,
    sides: _Sides,
    schema: Schema,
    out: str | Path,
    shown: _Shown,
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
        noiseless = None if sides.bare is None else sides.bare()
        found = measure(
            sides.trained,
            sides.others,
            sides.copy,
            schema,
            # Of all of them, so that the books do not tell who was held out.
            code_books(schema, sides.trained, sides.others),
            seed=seed,
            unprotected=noiseless,
            said=sides.said,
            anonymeter=anonymeter,
            coins=sides.coins,
            progress=progress,
        )
        written = write_report(
            found,
            Path(out),
            title=f"Synthetic copy of {schema.name}",
            privacy=shown.card,
            card_check=shown.check,
            known_by={"id": report, "copy": sides.digest},
            figures=figures,
        )
    return Evaluated(files=written, evaluation=found, population=group)


def code_books(schema: Schema, *real: Records) -> Codec:
    """The schema's code books; private columns get exact ones, for internal use only."""
    columns = private_columns(schema.columns("patient") | schema.columns("visit"))
    wanted = {n: c for n, c in columns.items() if c.type is not Kind.BOOLEAN}
    if not wanted:
        return codec(schema)
    together = Records.stacked(list(real))
    found: dict[str, Field] = {
        name: exact_field(together, name, column, schema.max_visits)
        for name, column in wanted.items()
    }
    return codec(schema, found)
