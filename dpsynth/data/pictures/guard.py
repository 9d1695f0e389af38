"""What every reader of pictures does first and last: look at the file, and fail in one line."""

from __future__ import annotations

import errno
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from dpsynth.errors import DataError

STDERR = 2
MOST_SHOWN = 200  # characters of a name in a message

CAUSES = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk is full",
    errno.EFBIG: "the file would be too large",
    errno.EACCES: "no permission",
    errno.EPERM: "no permission",
    errno.EROFS: "no permission",
    errno.ENOTDIR: "a file is in the way",
    errno.EEXIST: "a file is in the way",
    errno.EISDIR: "a folder is in the way",
}

DECODERS = ("PIL", "pydicom")  # their loggers tell what a file holds


def shown(name: str) -> str:
    """A file's name, fit for one line of a terminal."""
    short = name if len(name) <= MOST_SHOWN else name[:MOST_SHOWN] + "..."
    return short if short.isprintable() and short.strip() else repr(short)


@contextmanager
def plainly(name: str, kind: str, cure: str) -> Iterator[None]:
    """Say in one line that a file is broken, and keep decoders from warning and logging.

    Decoders of untrusted bytes fail with whatever they trip over (OSError, SyntaxError,
    struct.error, MemoryError, RecursionError and more), so everything that is an `Exception`
    counts as a broken file.

    Args:
        name: of the file, as the user gave it.
        kind: what it should have been: "PNG, JPEG or TIFF".
        cure: what the user can do about it.

    Raises:
        DataError: in place of any other exception.
    """
    try:
        with warnings.catch_warnings(), _silent():
            warnings.simplefilter("ignore")
            yield
    except DataError:
        raise
    except Exception as error:
        reason = type(error).__name__
        raise DataError(
            f"{shown(name)}: is not a readable {kind} file ({reason}); {cure}"
        ) from None


@contextmanager
def _silent() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in DECODERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def muted() -> Iterator[None]:
    """Send the process's standard error nowhere, for as short as can be.

    The C library of TIFF prints what it finds in a broken file to it, past Python's `sys.stderr`.
    What other threads print meanwhile is lost too.
    """
    try:
        held = os.dup(STDERR)
    except OSError:  # there is none to print to
        yield
        return
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), STDERR)
        yield
    finally:
        os.dup2(held, STDERR)
        os.close(held)


def look(path: Path, name: str, most_bytes: int) -> None:
    """Refuse what is no ordinary file of a bearable size, before it is opened.

    Raises:
        DataError: if the file is missing, a folder or a device, empty, or too large.
    """
    if not path.exists():
        raise DataError(f"{shown(name)}: there is no such file; check the name and the folder")
    if not path.is_file():
        raise DataError(f"{shown(name)}: is not a file; name a picture file")
    size = path.stat().st_size
    if size == 0:
        raise DataError(f"{shown(name)}: is empty; check that it was copied whole")
    if size > most_bytes:
        raise DataError(f"{shown(name)}: is larger than {most_bytes:,} bytes; make it smaller")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say in one line why a file or folder can't be written.

    Raises:
        DataError: in place of an OSError.
    """
    try:
        yield
    except OSError as error:
        reason = CAUSES.get(error.errno or 0, type(error).__name__)
        raise DataError(f"{path}: can't be written: {reason}; choose another place") from None


@contextmanager
def whole(path: Path) -> Iterator[IO[bytes]]:
    """A file to write that gets its name when it is whole, and leaves nothing if it fails.

    Raises:
        DataError: if it can't be written.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
            Path(name).chmod(0o644)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
