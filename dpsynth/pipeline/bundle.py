"""One zip for a release: the same bytes from the same files, and read as if it came from a foe."""

from __future__ import annotations

import hashlib
import json
import stat
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from dpsynth.errors import InputError, PromiseError
from dpsynth.privacy.ledger import durable

MANIFEST, SIGNATURE = "MANIFEST.json", "MANIFEST.sig"
DATA, REPORT = "data", "report"  # folders in the bundle: the copy, and what it alone tells
POLICY = "policy.json"  # its canonical bytes, so that its SHA-256 is the policy's
FORMAT = "dpsynth-release/1"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip can hold
MOST_FILES, MOST_BYTES, MOST_RATIO = 200_000, 64 * 2**30, 200
PART = 2**20


def write(
    path: Path,
    members: Mapping[str, bytes | Path],
    sign: Callable[[bytes], bytes] | None = None,
) -> str:
    """Write a bundle whole or not at all.

    Args:
        path: of the zip; replaced if it is there.
        members: content by name, or where it lies. A manifest with every member's SHA-256 is
            added.
        sign: the manifest's bytes to a signature of them, if it is to be signed.

    Returns:
        SHA-256 of the bundle.
    """
    held = {name: (content, *_measured(content)) for name, content in members.items()}
    manifest = manifest_of({name: (size, digest) for name, (_, size, digest) in held.items()})
    fresh = path.with_name(path.name + ".partial")
    try:
        with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as file:
            _add(file, MANIFEST, manifest)
            if sign is not None:
                _add(file, SIGNATURE, sign(manifest))
            for name in sorted(held):
                _add(file, name, held[name][0])
        durable.replace(fresh, path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise InputError(f"{path} can't be written: {error.strerror}") from error
    with path.open("rb") as done:
        return hashlib.file_digest(done, "sha256").hexdigest()


def manifest_of(files: Mapping[str, tuple[int, str]]) -> bytes:
    """The manifest's bytes: size and SHA-256 of every member, sorted."""
    listed = {name: {"bytes": files[name][0], "sha256": files[name][1]} for name in sorted(files)}
    return (json.dumps({"format": FORMAT, "files": listed}, indent=1) + "\n").encode()


def _measured(content: bytes | Path) -> tuple[int, str]:
    if isinstance(content, bytes):
        return len(content), hashlib.sha256(content).hexdigest()
    with content.open("rb") as file:
        return content.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


def _add(file: zipfile.ZipFile, name: str, content: bytes | Path) -> None:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3  # Unix, wherever it is made
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    with file.open(entry, "w", force_zip64=True) as into:
        if isinstance(content, bytes):
            into.write(content)
            return
        with content.open("rb") as source:
            while part := source.read(PART):
                into.write(part)


class Bundle:
    """A bundle that was read from anywhere; nothing is unpacked onto the disk.

    Args:
        path: of the zip.

    Raises:
        InputError: if it is no zip, or larger than any release.
        PromiseError: if its manifest does not say what is in it.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise InputError(f"{path} can't be read as a bundle: {error}") from error
        entries = self._file.infolist()
        size = sum(each.file_size for each in entries)
        if len(entries) > MOST_FILES or size > MOST_BYTES:
            raise InputError(f"{path} says that it holds {len(entries):,} files, {size:,} bytes")
        if size > MOST_RATIO * max(path.stat().st_size, PART):
            raise InputError(f"{path} would grow to {size:,} bytes: no release does")
        names = [each.filename for each in entries]
        self._check_names(names)
        self.names = tuple(sorted(set(names) - {MANIFEST, SIGNATURE}))
        if MANIFEST not in names:
            raise PromiseError(f"{path} holds no {MANIFEST}: it is no release of dpsynth")
        self.manifest = self.read(MANIFEST)
        self.signature = self.read(SIGNATURE) if SIGNATURE in names else None

    @staticmethod
    def _check_names(names: list[str]) -> None:
        """Refuse names that stand twice, or that would lead somewhere else."""
        if len(set(names)) < len(names):
            raise PromiseError("a name stands twice in the bundle")
        for name in names:
            parts = name.split("/")
            if name.startswith("/") or "\\" in name or ".." in parts or ":" in parts[0]:
                raise PromiseError(f"the bundle holds a name that leads elsewhere: {name!r}")

    def __enter__(self) -> Bundle:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, name: str) -> bytes:
        """A member's bytes.

        Raises:
            PromiseError: if it is broken or missing.
        """
        try:
            return self._file.read(name)
        except (KeyError, zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError) as error:
            raise PromiseError(f"{name} can't be read from the bundle: {error}") from error

    def listed(self) -> dict[str, str]:
        """SHA-256 by name, as the manifest says.

        Raises:
            PromiseError: if it does not read as one of ours.
        """
        try:
            facts = json.loads(self.manifest)
            if facts["format"] != FORMAT:
                raise ValueError(f"format {facts['format']!r}")
            return {str(name): str(each["sha256"]) for name, each in facts["files"].items()}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise PromiseError(f"{MANIFEST} is no manifest of ours: {error}") from error

    def digest(self, name: str) -> str:
        """SHA-256 of a member, read in parts."""
        found = hashlib.sha256()
        try:
            with self._file.open(name) as file:
                while part := file.read(PART):
                    found.update(part)
        except (KeyError, zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError) as error:
            raise PromiseError(f"{name} can't be read from the bundle: {error}") from error
        return found.hexdigest()
