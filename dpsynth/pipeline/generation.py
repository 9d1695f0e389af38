"""From a trained run to files that look like the data; costs no privacy."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from dpsynth.data.codec import Codec
from dpsynth.data.records import Records
from dpsynth.data.writer import write
from dpsynth.errors import InputError
from dpsynth.models.base import Progress, quiet
from dpsynth.pipeline.device import chosen_device
from dpsynth.pipeline.folders import check_free, claimed
from dpsynth.pipeline.run_folder import Run, RunFolder


@dataclass(frozen=True, kw_only=True)
class Generated:
    """What `generate` made: files, and the records in them."""

    files: list[Path]
    records: Records
    run: Run


def generate(
    folder: str | Path,
    out: str | Path,
    *,
    patients: int | None = None,
    where: Sequence[str] = (),
    file_format: Literal["csv", "parquet"] = "csv",
    seed: int | None = None,
    device: str = "auto",
    progress: Progress = quiet,
) -> Generated:
    """Write synthetic patients.

    Args:
        folder: a finished run.
        out: an empty or new folder.
        patients: how many; none for the public or noised size of the run.
        where: conditions such as "ICUType=2" on per-patient columns; a number means its bin.
        file_format: of the files.
        seed: for a repeatable copy; touches no promise, since no real data are read.
        device: as in `train`.
        progress: called with (stage, done, of).
    """
    source = RunFolder(Path(folder))
    check_free(Path(out))
    run = source.load()
    model = source.load_model(run)
    number = run.plan.population if patients is None else patients
    if number < 0:
        raise InputError(f"n must be at least 0, got {patients!r}")
    if seed is not None and seed < 0:
        raise InputError(f"seed must be at least 0, got {seed!r}")
    fixed = conditions(where, run.codec)
    target = chosen_device(device)
    start = secrets.randbits(62) if seed is None else seed
    with claimed(Path(out)):
        tokens = model.sample(number, fixed, start, progress, target)
        records = run.codec.decode(tokens, np.random.default_rng([start, 1]))
        files = write(records, run.schema, Path(out), file_format)
    return Generated(files=files, records=records, run=run)


def conditions(where: Sequence[str], codec: Codec) -> Mapping[int, int]:
    """Static fields that `--where` fixes: position to code.

    Raises:
        InputError: on a condition that names no per-patient column or no value of it.
    """
    names = [field.name for field in codec.static]
    fixed: dict[int, int] = {}
    for text in where:
        match = re.fullmatch(r"\s*([^=]+?)\s*=\s*(.+?)\s*", text)
        if match is None:
            raise InputError(f"a condition reads column=value, got {text!r}")
        name, value = match.groups()
        if name not in names:
            raise InputError(
                f"a condition needs a per-patient column ({', '.join(names)}), got {name!r}"
            )
        place = names.index(name)
        if place in fixed:
            raise InputError(f"two conditions on column {name!r}")
        fixed[place] = codec.static[place].code_of(value)
    return fixed
