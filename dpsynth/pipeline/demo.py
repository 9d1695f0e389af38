"""The whole job on data that anyone may see: real ones, or pictures drawn by a program."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dpsynth.errors import DpsynthError, InputError, LedgerError

if TYPE_CHECKING:
    from dpsynth.data.demonstration import Demonstration
    from dpsynth.models.base import Progress
    from dpsynth.pipeline.evaluating import Evaluated
    from dpsynth.pipeline.generation import Generated
    from dpsynth.pipeline.training import Trained
    from dpsynth.privacy.ledger import Ledger

HOLDOUT = 0.25
OF_RECORDS, OF_PICTURES = "table-diffusion", "image-diffusion"


@dataclass(frozen=True, kw_only=True)
class Demo:
    """What the three steps made, and what a reader must know of the data."""

    trained: Trained
    generated: Generated
    evaluated: Evaluated
    says: str = ""


def demo(
    out: str | Path = "demo",
    *,
    images: str | None = None,
    dataset: str | None = None,
    file: str | Path | None = None,
    epsilon: float = 3.0,
    model: str | None = None,
    settings: Mapping[str, Any] | None = None,
    device: str = "auto",
    ledger: Ledger | None = None,
    progress: Progress | None = None,
) -> Demo:
    """Train, generate and evaluate on the RAND Health Insurance Experiment, or on pictures.

    5,912 people, 1 to 5 years each; a quarter of them is kept from training.

    Args:
        out: where `run/`, `synthetic/` and `report/` go, and `data/` if pictures are drawn;
            `out-2` and so on if it is taken.
        images: "chest" or "skin", for phantoms, which are no real data.
        dataset: "randhie" or "pneumoniamnist".
        file: of the latter.
        epsilon, settings, device, ledger, progress: as in `train`.
        model: registry name; none for a diffusion, of records or of pictures.

    Raises:
        InputError: if data are named twice, or are not there; nothing is written.
    """
    # Not at the top: this file is looked at by every command, and these take seconds.
    from dpsynth.models.base import quiet
    from dpsynth.pipeline.evaluating import evaluate_run
    from dpsynth.pipeline.folders import claimed
    from dpsynth.pipeline.generation import generate
    from dpsynth.pipeline.training import train
    from dpsynth.privacy.ledger import Ledger

    folder = untaken(Path(out))
    book, progress = ledger or Ledger(), progress or quiet
    if images is None:
        given = _chosen(dataset, file)
    elif dataset is not None or file is not None:
        raise InputError("images are drawn, and do not go with a data set or a file; choose one")
    else:
        from dpsynth.data.demonstration import phantoms

        progress("drawing", 0, 1)
        with claimed(folder / "data"):
            given = phantoms(images, folder / "data")
        progress("drawing", 1, 1)
    try:
        trained = train(
            given.data,
            given.schema,
            folder / "run",
            epsilon=epsilon,
            model=model or (OF_RECORDS if given.schema.picture is None else OF_PICTURES),
            settings=settings,
            population=_population(book, given),
            holdout_rate=HOLDOUT,
            device=device,
            ledger=book,
            progress=progress,
        )
    except DpsynthError:
        if images is not None:  # what was refused leaves nothing; what was killed can go on
            _discard(folder)
        raise
    generated = generate(folder / "run", folder / "synthetic", device=device, progress=progress)
    evaluated = evaluate_run(
        folder / "run",
        given.data,
        [folder / "synthetic"],
        folder / "report",
        ledger=book,
        progress=progress,
    )
    return Demo(trained=trained, generated=generated, evaluated=evaluated, says=given.says)


def _population(book: Ledger, given: Demonstration) -> str:
    """The ledger's name of the data, which may have met them under another one."""
    try:
        return book.population_of(given.data)
    except LedgerError:
        return given.population


def _discard(folder: Path) -> None:
    """Take drawn pictures away, and their folder if nothing else is in it."""
    shutil.rmtree(folder / "data")
    with suppress(OSError):
        folder.rmdir()


def _chosen(dataset: str | None, file: str | Path | None) -> Demonstration:
    """The data set of that name.

    Raises:
        InputError: if there is none, or a file is given for one that needs none.
    """
    from dpsynth.data.demonstration import DATASETS, PNEUMONIA, pneumoniamnist, randhie

    name = dataset or ("randhie" if file is None else PNEUMONIA)
    if name not in DATASETS:
        raise InputError(f"data set must be one of {', '.join(DATASETS)}, got {name!r}")
    if name == PNEUMONIA:
        return pneumoniamnist(None if file is None else Path(file))
    if file is not None:
        raise InputError(f"a file is of {PNEUMONIA}, and {name} comes with dpsynth; leave it out")
    return randhie()


def untaken(folder: Path) -> Path:
    """The folder, or the first of folder-2, folder-3, ... that is not there."""
    found, number = folder, 1
    while found.exists() and (not found.is_dir() or any(found.iterdir())):
        number += 1
        found = folder.with_name(f"{folder.name}-{number}")
    return found
