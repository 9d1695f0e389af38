"""What an audit saw, on the disk: internal, for it holds draws of the noise."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from dpsynth.errors import RunError
from dpsynth.privacy.audit.canaries import Canaries


class Transcript:
    """Per step who of the canaries was in the batch and what came out; per release its cells.

    A file that grows by whole lines of JSON, readable by its owner only, kept beside the ledger and
    never in a run folder. It holds nothing of any patient; but draws of the noise belong to nobody
    else. A torn last line, left by a crash, is not read.

    Args:
        path: of the file.
        canaries: coins of a new transcript; none to read one that is there.

    Raises:
        RunError: if there is none to read, or it is something else.
    """

    def __init__(self, path: Path, canaries: Canaries | None = None) -> None:
        self.path = path
        if canaries is not None:
            self.canaries = canaries
            self._begin()
        self.present: list[np.ndarray] = []
        self.heard: list[np.ndarray] = []
        self.cells: dict[str, np.ndarray] = {}
        if canaries is None:
            self._read()

    def note_step(self, present: np.ndarray, heard: np.ndarray) -> None:
        """A step: (canaries,) who was in the batch, and the head's noisy sum over `clip_norm`."""
        self.present.append(present.astype(bool))
        self.heard.append(heard.astype(np.float32))
        self._append({"present": np.flatnonzero(present).tolist(), "heard": _hex(heard)})

    def note_cells(self, release: str, drawn: np.ndarray) -> None:
        """A release: (cells,) what came out, in units of its sensitivity."""
        self.cells[release] = drawn.astype(np.float32)
        self._append({"release": release, "drawn": _hex(drawn)})

    def _begin(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        coins = self.canaries
        head = {
            "nonce": coins.nonce.hex(),
            "joined": coins.joined.astype(int).tolist(),
            "raised": coins.raised.astype(int).tolist(),
        }
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(json.dumps(head) + "\n")

    def _append(self, line: dict[str, Any]) -> None:
        with self.path.open("a", encoding="ascii") as file:
            file.write(json.dumps(line) + "\n")

    def _read(self) -> None:
        try:
            text = self.path.read_text(encoding="ascii")
            head, *rest = text[: text.rindex("\n") + 1].splitlines()
            coins = json.loads(head)
            self.canaries = Canaries(
                joined=np.array(coins["joined"], dtype=bool),
                raised=np.array(coins["raised"], dtype=bool),
                nonce=bytes.fromhex(coins["nonce"]),
            )
            for line in map(json.loads, rest):
                self._take(line)
        except FileNotFoundError as error:
            raise RunError(f"{self.path} is missing: the run was not audited here") from error
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise RunError(f"{self.path} is no transcript of an audit: {error}") from error
        if not text.endswith("\n"):  # so that the next line does not join the torn one
            self.path.write_text(text[: text.rindex("\n") + 1], encoding="ascii")

    def _take(self, line: dict[str, Any]) -> None:
        if "release" in line:
            self.cells[line["release"]] = _unhex(line["drawn"])
            return
        present = np.zeros(len(self.canaries.joined), dtype=bool)
        present[line["present"]] = True
        self.present.append(present)
        self.heard.append(_unhex(line["heard"]))


def _hex(numbers: np.ndarray) -> str:
    return numbers.astype("<f4").tobytes().hex()


def _unhex(text: str) -> np.ndarray:
    return np.frombuffer(bytes.fromhex(text), dtype="<f4").astype(np.float32)
