"""From a trained run to files that look like the data; costs no privacy."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from dpsynth.data.picture_writer import Form, told
from dpsynth.data.records import Records
from dpsynth.data.writer import write
from dpsynth.errors import InputError
from dpsynth.models.base import Progress, quiet
from dpsynth.pipeline import copies, digests
from dpsynth.pipeline.class_sheet import SHEET, class_sheet
from dpsynth.pipeline.conditions import Conditions, cells, conditions, even_parts
from dpsynth.pipeline.device import chosen_device
from dpsynth.pipeline.folders import check_free, claimed
from dpsynth.pipeline.run_folder import Run, RunFolder
from dpsynth.pipeline.sampling import Sampler, Tally

Format = Literal["csv", "parquet", "png", "dicom", "npz"]


@dataclass(frozen=True, kw_only=True)
class Generated:
    """What `generate` made.

    Attributes:
        files: written.
        records: what is in them, computed columns left out.
        run: that they were made from.
        tally: how many patients were made, and how many of them rejected for which rule.
        notes: what a user must know of the files, one line each.
    """

    files: list[Path]
    records: Records
    run: Run
    tally: Tally
    notes: tuple[str, ...] = ()


def generate(
    folder: str | Path,
    out: str | Path,
    *,
    patients: int | None = None,
    where: Sequence[str] = (),
    balance: str | Sequence[str] = (),
    file_format: Format | None = None,
    seed: int | None = None,
    device: str = "auto",
    progress: Progress = quiet,
) -> Generated:
    """Write synthetic patients.

    Args:
        folder: a finished run.
        out: an empty or new folder.
        patients: how many; none for the public or noised size of the run.
        where: conditions on per-patient columns, such as "ICUType=2" (of a number, its bin),
            "Age>=65" or "Age<50"; several ranges on one column combine.
        balance: per-patient columns each of whose categories (not missing) gets as many patients
            as any other, give or take one; or "Age:..65,65..", whose groups do. Of several
            columns, each intersection of their groups.
        file_format: "csv" or "parquet" of tables; "png", "dicom" or "npz" of pictures, with
            tables as CSV. None is CSV, and pictures in the form that the run read.
        seed: for a repeatable copy; touches no promise, since no real data are read.
        device: as in `train`.
        progress: called with (stage, done, of).

    Raises:
        InputError: on a condition that is not understood or that nobody can meet.
        PromiseError: if hardly any patient holds the schema's rules and the conditions.
    """
    source = RunFolder(Path(folder))
    check_free(Path(out))
    run = source.load()
    table, form = _formats(file_format, run)
    model = source.load_model(run)
    number = run.plan.population if patients is None else patients
    if number < 0:
        raise InputError(f"n must be at least 0, got {patients!r}")
    if seed is not None and seed < 0:
        raise InputError(f"seed must be at least 0, got {seed!r}")
    given = conditions(where, run.codec)
    sampler = Sampler(
        model=model,
        schema=run.schema,
        codec=run.codec,
        seed=secrets.randbits(62) if seed is None else seed,
        device=chosen_device(device),
        progress=progress,
    )
    even = (balance,) if isinstance(balance, str) else tuple(balance)
    parts = cells(even, run.codec, given)  # a mistake is named before anything is made
    with claimed(Path(out)):
        if even:
            records, tally = _equal(sampler, number, parts)
        else:
            records, tally = sampler.sample(number, given)
        files = write(records, run.schema, Path(out), table, form)
        if records.pictures is not None and len(records.pictures):
            files.append(class_sheet(records, run.schema, Path(out) / SHEET))
        copies.note(
            source.path,
            copies.Copy(
                digest=digests.together(digests.of_folder(Path(out))),
                patients=len(records),
                where=tuple(where),
                balance=", ".join(even) or None,
            ),
        )
    notes = _notes(records, run, form)
    return Generated(files=files, records=records, run=run, tally=tally, notes=notes)


def _notes(records: Records, run: Run, form: Form) -> tuple[str, ...]:
    """What a user must know of the pictures, if there are any."""
    if records.pictures is None:
        return ()
    without = len(records) - records.visits["patient"].nunique()
    lost = form == "npz" and without
    some = f"{without:,} of them have no picture, and are not in the .npz." if lost else ""
    return (*filter(None, [some]), *told(run.schema, form))


def _formats(asked: Format | None, run: Run) -> tuple[Literal["csv", "parquet"], Form]:
    """The format of tables and the form of pictures.

    Raises:
        InputError: if a form of pictures is asked of a run without any.
    """
    if asked in ("png", "dicom", "npz") and run.schema.picture is None:
        raise InputError(
            f"format {asked!r} is of pictures, and the run has none; use csv or parquet"
        )
    match asked:
        case None:
            return "csv", run.form
        case "csv" | "parquet":
            return asked, "png" if run.form == "npz" else run.form
        case "png" | "dicom" | "npz":
            return "csv", asked
        case _:
            raise InputError(f"format must be one of {', '.join(get_args(Format))}, got {asked!r}")


def _equal(sampler: Sampler, patients: int, cells: Sequence[Conditions]) -> tuple[Records, Tally]:
    """As many patients in each cell, in random order."""
    rng = np.random.default_rng([sampler.seed, 3])
    parts: list[Records] = []
    tally = Tally()
    for block, number in enumerate(even_parts(patients, len(cells), rng), start=1):
        if not number and parts:
            continue
        some, new = sampler.sample(int(number), cells[block - 1], block=block)
        parts.append(some)
        tally += new
    mixed = Records.stacked(parts).take(rng.permutation(patients))
    return Records.stacked([mixed]), tally
