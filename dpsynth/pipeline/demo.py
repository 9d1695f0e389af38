"""The whole job on real data that come with a dependency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dpsynth.data.embedded import randhie_path, randhie_schema

if TYPE_CHECKING:
    from dpsynth.models.base import Progress
    from dpsynth.pipeline.evaluating import Evaluated
    from dpsynth.pipeline.generation import Generated
    from dpsynth.pipeline.training import Trained
    from dpsynth.privacy.ledger import Ledger

POPULATION = "randhie-demo"
HOLDOUT = 0.25


@dataclass(frozen=True, kw_only=True)
class Demo:
    """What the three steps made."""

    trained: Trained
    generated: Generated
    evaluated: Evaluated


def demo(
    out: str | Path = "demo",
    *,
    epsilon: float = 3.0,
    model: str = "table-diffusion",
    settings: Mapping[str, Any] | None = None,
    device: str = "auto",
    ledger: Ledger | None = None,
    progress: Progress | None = None,
) -> Demo:
    """Train, generate and evaluate on the RAND Health Insurance Experiment.

    5,912 people, 1 to 5 years each; a quarter of them is kept from training.

    Args:
        out: where `run/`, `synthetic/` and `report/` go; `out-2` and so on if it is taken.
        epsilon, model, settings, device, ledger, progress: as in `train`.
    """
    # Not at the top: this file is looked at by every command, and these take seconds.
    from dpsynth.models.base import quiet
    from dpsynth.pipeline.evaluating import evaluate_run
    from dpsynth.pipeline.generation import generate
    from dpsynth.pipeline.training import train
    from dpsynth.privacy.ledger import Ledger

    folder = untaken(Path(out))
    book, progress = ledger or Ledger(), progress or quiet
    data = [randhie_path()]
    trained = train(
        data,
        randhie_schema(),
        folder / "run",
        epsilon=epsilon,
        model=model,
        settings=settings,
        population=POPULATION,
        holdout_rate=HOLDOUT,
        device=device,
        ledger=book,
        progress=progress,
    )
    generated = generate(folder / "run", folder / "synthetic", device=device, progress=progress)
    evaluated = evaluate_run(
        folder / "run",
        data,
        [folder / "synthetic"],
        folder / "report",
        ledger=book,
        progress=progress,
    )
    return Demo(trained=trained, generated=generated, evaluated=evaluated)


def untaken(folder: Path) -> Path:
    """The folder, or the first of folder-2, folder-3, ... that is not there."""
    found, number = folder, 1
    while found.exists() and (not found.is_dir() or any(found.iterdir())):
        number += 1
        found = folder.with_name(f"{folder.name}-{number}")
    return found
