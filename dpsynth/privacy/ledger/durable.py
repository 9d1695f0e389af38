"""Bytes that are on the disk before anybody goes on.

Every function returns only when what it wrote would survive a power cut, or raises
`LedgerError` in one line that says what could not be written.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dpsynth.errors import LedgerError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a failed write (disk full, no permission) into one line with the cure."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise LedgerError(
            f"the ledger can't be written at {path}: {reason}; "
            "nothing was asked of the data: mend that and run again"
        ) from error


@contextmanager
def locked(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold the lock file: alone to write, or together with other readers."""
    with writing(path):
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        with writing(path):
            fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)  # gives the lock back


def write_all(file: int, data: bytes) -> None:
    """Write every byte and flush it to the disk."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]
    os.fsync(file)


def sync_folder(folder: Path) -> None:
    """Flush the folder itself, so that new and renamed files are still there after a crash."""
    file = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def append(path: Path, data: bytes) -> None:
    """Add bytes at the end, all of them or (as far as the disk lets us) none."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        before = os.fstat(file).st_size
        try:
            write_all(file, data)
        except OSError:
            # If even this fails, the torn line is mended by the next writer.
            os.ftruncate(file, before)
            raise
    finally:
        os.close(file)


def cut(path: Path, size: int) -> None:
    """Shorten a file to `size` bytes."""
    file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.ftruncate(file, size)
        os.fsync(file)
    finally:
        os.close(file)


def prepare(path: Path, data: bytes) -> Path:
    """Write the successor of a file beside it; `os.replace` then puts it in place."""
    fresh = path.with_name(path.name + ".new")
    file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        write_all(file, data)
    finally:
        os.close(file)
    return fresh


def replace(fresh: Path, path: Path) -> None:
    """Put a prepared file in place, at once."""
    fresh.replace(path)
    sync_folder(path.parent)


def publish(path: Path, data: bytes) -> None:
    """Write a new file that has no name, and so can be seen by nobody, until it is whole.

    Where the file system has no unnamed files, `prepare` and `replace` do it.
    """
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        file = os.open(path.parent, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    except OSError:
        replace(prepare(path, data), path)
    else:
        try:
            write_all(file, data)
            # Only with a folder given does Python follow the link, as linkat(2) asks for.
            os.link(f"/proc/self/fd/{file}", path, src_dir_fd=folder, follow_symlinks=True)
        finally:
            os.close(file)
        os.fsync(folder)
    finally:
        os.close(folder)


def make_folder(folder: Path) -> None:
    """Create a folder that only its owner may read, and its parents."""
    missing = [f for f in (folder, *folder.parents) if not f.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
        sync_folder(each.parent)
