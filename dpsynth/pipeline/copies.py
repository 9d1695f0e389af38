"""Which copies a run has made: a line for each in the run's folder, by the hash of its files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from dpsynth.errors import InputError, PromiseError, RunError
from dpsynth.pipeline import digests

FILE = "copies.jsonl"


@dataclass(frozen=True, kw_only=True)
class Copy:
    """One call of `generate`. Nothing in it depends on real data.

    Attributes:
        digest: of all its files together.
        patients: how many.
        where, balance: what was asked of them.
    """

    digest: str
    patients: int
    where: tuple[str, ...] = ()
    balance: str | None = None


def note(run_folder: Path, copy: Copy) -> None:
    """Add a line.

    Raises:
        InputError: if the run's folder can't be written, for then the copy could not be released.
    """
    path = run_folder / FILE
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(copy)) + "\n")
    except OSError as error:
        raise InputError(
            f"{path} can't be written ({error.strerror}), so that the copy could not be released; "
            "make the run's folder writable"
        ) from error


def noted(run_folder: Path) -> list[Copy]:
    """Every copy, the newest last."""
    path = run_folder / FILE
    if not path.exists():
        return []
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return [Copy(**{**line, "where": tuple(line["where"])}) for line in lines]
    except (ValueError, TypeError, KeyError) as error:
        raise RunError(f"{path} is broken: {error}") from error


def found(run_folder: Path, folder: Path) -> tuple[Copy, dict[str, str]]:
    """The copy that lies in a folder, and the hashes of its files.

    Raises:
        InputError: if there is nothing.
        PromiseError: if the run has not made these very files.
    """
    hashes = digests.of_folder(folder) if folder.is_dir() else {}
    if not hashes:
        raise InputError(f"{folder} holds no files; give the folder that generate wrote")
    known: Sequence[Copy] = noted(run_folder)
    digest = digests.together(hashes)
    for copy in known:
        if copy.digest == digest:
            return copy, hashes
    raise PromiseError(
        f"{run_folder} did not make the files in {folder} as they are now: a file was changed, "
        "added or taken away, or they are of another run; generate them again"
    )
