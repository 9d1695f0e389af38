"""A sweep's folder: what it was asked, by which it is taken up again, and what it found."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dpsynth import __version__
from dpsynth.errors import InputError, RunError
from dpsynth.pipeline.folders import check_free, claim, outside_runs, write_text
from dpsynth.pipeline.run_folder import new_id
from dpsynth.pipeline.sweep_points import POINTS, RUNS
from dpsynth.privacy.ledger.prints import fingerprint

FORMAT = 1
RECIPE = "recipe.json"


@dataclass(frozen=True, kw_only=True)
class SweepFolder:
    """Where a sweep is.

    Attributes:
        path: of the folder.
        id: random name of the sweep, under which the ledger holds its accesses.
    """

    path: Path
    id: str


def check_folder(path: Path) -> None:
    """Refuse a folder that holds something else, before any work is done.

    Raises:
        InputError: if it does, or lies in a run.
    """
    outside_runs(path, "a sweep")
    if not (path / RECIPE).exists():
        check_free(path)


def opened(path: Path, recipe: Mapping[str, Any]) -> SweepFolder:
    """The folder, made or taken up again.

    Models, epsilons and seeds are no part of the recipe: a sweep may grow. Settings of each model
    that was swept are, and stay.

    Args:
        path: empty, new, or of the same sweep.
        recipe: what all of its points have in common, as JSON.

    Raises:
        InputError: if it holds a sweep of another recipe.
        RunError: if its recipe can't be read.
    """
    facts = {"format": FORMAT, **json.loads(json.dumps(recipe))}
    file = path / RECIPE
    if file.exists():
        try:
            known = json.loads(file.read_text(encoding="utf-8"))
            name = known.pop("id")
            known.pop("dpsynth")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError(f"{file} can't be read: {error}; sweep into a new folder") from error
        before = known.get("settings") or {}
        facts["settings"] = {**before, **facts["settings"]}
        other = [key for key in facts if key != "settings" and known.get(key) != facts[key]]
        other += [f"setting of {m}" for m, each in before.items() if facts["settings"][m] != each]
        if other:
            raise InputError(
                f"{path} holds a sweep with another {', '.join(other)}; choose another folder, or "
                "ask the same"
            )
        _write(file, facts, name)
    else:
        claim(path)
        name = new_id()
        _write(file, facts, name)
    for each in (POINTS, RUNS):
        (path / each).mkdir(exist_ok=True)
    return SweepFolder(path=path, id=name)


def _write(file: Path, facts: Mapping[str, Any], name: str) -> None:
    text = json.dumps({**facts, "id": name, "dpsynth": __version__}, indent=1)
    write_text(file, text + "\n")


def prints(files: Sequence[Path], secret: bytes) -> list[str]:
    """By which data are known again; keyed, so that a small table can't be found by trying."""
    return [fingerprint(each, secret) for each in files]
