"""Output folders and files: whole or not at all, and nothing left behind by a failure."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dpsynth.errors import InputError, RunError


def claim(path: Path) -> None:
    """Make an output folder.

    Raises:
        InputError: if it holds something, or can't be made.
    """
    check_free(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path} can't be made: {error.strerror}") from error


def check_free(path: Path) -> None:
    """Refuse an output folder that holds something, before any work is done.

    Raises:
        InputError: if it does, or is a file.
    """
    try:
        if path.exists() and any(path.iterdir()):
            raise InputError(f"{path} is not empty; choose another folder")
    except OSError as error:
        raise InputError(
            f"{path} can't be the output folder: {error.strerror}; choose another"
        ) from error


def outside_runs(out: Path, what: str) -> None:
    """Refuse to write what is internal into a run folder, which may be released.

    Raises:
        InputError: if `out` lies in one.
    """
    for parent in out.resolve().parents:
        if (parent / "run.json").exists():
            raise InputError(f"{out} is inside the run folder {parent}; {what} is internal")


@contextmanager
def claimed(path: Path) -> Iterator[None]:
    """Make an output folder; if what follows fails, leave nothing of it behind."""
    new = [each for each in (path, *path.parents) if not each.exists()]
    claim(path)
    try:
        yield
    except BaseException:
        for each in path.iterdir():
            if each.is_dir():
                shutil.rmtree(each, ignore_errors=True)
            else:
                each.unlink(missing_ok=True)
        with suppress(OSError):  # a parent that somebody else has used since
            for each in new:
                each.rmdir()
        raise


@contextmanager
def alone(path: Path, what: str = "") -> Iterator[None]:
    """Be the only process at work in a folder, or at what a file stands for.

    The lock goes with the process, also with one that outlived its parent.

    Guarantee:
        Two processes never continue one run at once: each would ask the same steps again, by a
        budget that was reserved once. On a network's disk this holds as far as its locks do. A
        copy of the folder is another folder: nothing here knows of it.

    Args:
        path: of a folder or file that is there.
        what: that work in words, if it is not the folder's.

    Raises:
        RunError: if another process is at it.
    """
    place = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RunError(
                f"another process is at work {what or f'in {path}'}; wait for it, or end it"
            ) from error
        yield
    finally:
        os.close(place)


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all, flushed to disk."""
    fresh = path.with_name(path.name + ".partial")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
