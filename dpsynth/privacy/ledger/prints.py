"""Knowing a file again without keeping anything of it: keyed fingerprints.

A plain hash of a small table could be found by trying; a keyed one can't without the ledger's
secret, and two ledgers never give one file the same fingerprint.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from dpsynth.errors import DataError, LedgerError
from dpsynth.privacy.ledger import durable

BLOCK = 1 << 20


def load_secret(path: Path) -> bytes:
    """Return the ledger's secret.

    Raises:
        LedgerError: if it is missing or damaged; without it no file is known again.
    """
    try:
        secret = bytes.fromhex(path.read_text().strip())
    except (OSError, ValueError):
        secret = b""
    if len(secret) != 32:
        raise LedgerError(
            f"the ledger's secret {path} is missing or damaged, so no file can be known again; "
            "restore it from a backup"
        )
    return secret


def make_secret(path: Path) -> None:
    """Draw a new secret, readable by its owner alone."""
    with durable.writing(path):
        fresh = durable.prepare(path, secrets.token_hex(32).encode() + b"\n")
        durable.replace(fresh, path)


def fingerprint(path: Path, secret: bytes) -> str:
    """Return the keyed fingerprint of a file's bytes, or of a folder's names and bytes.

    Raises:
        DataError: if the file can't be read.
    """
    try:
        if path.is_dir():
            return _folder(path, secret)
        return _file(path, secret).hex()
    except OSError as error:
        raise DataError(f"can't read {path}: {error.strerror}") from error


def _file(path: Path, secret: bytes) -> bytes:
    mac = hmac.new(secret, b"file\0", hashlib.sha256)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            mac.update(block)
    return mac.digest()


def _folder(path: Path, secret: bytes) -> str:
    mac = hmac.new(secret, b"folder\0", hashlib.sha256)
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        name = os.fsencode(file.relative_to(path))
        mac.update(len(name).to_bytes(8, "big") + name + _file(file, secret))
    return mac.hexdigest()
