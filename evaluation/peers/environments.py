"""A virtual environment for each peer, made once from its pinned requirements."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent / "requirements"
BASE = "python3.11"  # what the versions were resolved for
REMOVED = {"mostlyai": ("torchvision", "torchaudio")}  # built for another torch, never needed


def interpreter(name: str | None, cache: Path) -> Path:
    """The Python of a peer's environment, which is made if its requirements are new.

    Raises:
        OSError, subprocess.CalledProcessError: if it cannot be made.
    """
    if name is None:
        return Path(sys.executable)
    wanted = REQUIREMENTS / f"{name}.txt"
    mark = hashlib.sha256(wanted.read_bytes()).hexdigest()
    folder = cache.resolve() / name
    python, ready = folder / "bin/python", folder / "ready"
    if ready.exists() and ready.read_text() == mark:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    print(f"making the environment of {name}: minutes, and 1 to 3 GB", flush=True)
    _call(shutil.which(BASE) or sys.executable, "-m", "venv", str(folder))
    _call(str(python), "-m", "pip", "install", "--quiet", "--requirement", str(wanted))
    if name in REMOVED:
        _call(str(python), "-m", "pip", "uninstall", "--quiet", "--yes", *REMOVED[name])
    ready.write_text(mark)
    return python


def _call(*words: str) -> None:
    subprocess.run(words, check=True)
