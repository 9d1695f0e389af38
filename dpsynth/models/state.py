"""What a run may pick up after being killed: released answers, checkpoints, and what was asked."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from dpsynth.errors import RunError
from dpsynth.privacy.ledger import durable


class State:
    """A folder of what the door has already said.

    Guarantee:
        A step is written down as asked, and flushed, before the door is asked, so after a
        crash at least as many steps count as spent as were answered. Every file is a function
        of released answers; no state of a noise or sampling generator is ever written.

    Args:
        folder: inside the run folder; made if missing.

    Attributes:
        lost: steps that earlier processes asked and whose answers no checkpoint holds.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not folder.exists():
            folder.mkdir(parents=True)
            durable.sync_folder(folder.parent)
        self.lost = self._lost()

    def once(self, name: str, ask: Callable[[], list[np.ndarray]]) -> list[np.ndarray]:
        """The tables under that name: saved ones, or asked now and saved before use (`saved`)."""

        def asked() -> bytes:
            return _bytes({f"{i:04d}": torch.from_numpy(a.copy()) for i, a in enumerate(ask())})

        found = read_tensors(self.saved(f"{name}.safetensors", asked))
        return [found[key].numpy() for key in sorted(found)]

    def saved(self, file: str, ask: Callable[[], bytes]) -> Path:
        """The file with an answer: as it was saved, or asked now and saved before use.

        Whoever sees an answer sees the saved one: until the file is whole it has no name (see
        `durable.publish`), so an answer that a crash kept from being saved was seen by nobody,
        and asking again with fresh noise is the first time it is answered.

        Raises:
            RunError: if a crash left a part of the answer where it could be seen.
        """
        path = self.folder / file
        if path.with_name(path.name + ".new").exists():
            raise RunError(
                f"the answer {file} was asked and half saved; its budget is spent: start anew"
            )
        if not path.exists():
            durable.publish(path, ask())
        return path

    def holds(self, name: str) -> bool:
        """Whether answers or a checkpoint of that name were saved."""
        return (self.folder / f"{name}.safetensors").exists()

    def asking(self, step: int) -> None:
        """Write down, flushed to disk, that this step is about to be asked."""
        path = self.folder / "asked.jsonl"
        new = not path.exists()
        try:
            durable.append(path, json.dumps({"step": step}).encode() + b"\n")
            if new:
                durable.sync_folder(self.folder)
        except OSError as error:
            raise RunError(
                f"{path} can't be written: {error.strerror}; mend that and resume"
            ) from None

    @property
    def asked(self) -> int:
        """How many steps have been asked; a torn line counts as a step."""
        path = self.folder / "asked.jsonl"
        return len(path.read_bytes().splitlines()) if path.exists() else 0

    def checkpoint(self, tensors: Mapping[str, Tensor], step: int) -> None:
        """Replace the checkpoint: what training had learnt after `step` steps."""
        counts = {"checkpoint.step": torch.tensor(step), "checkpoint.lost": torch.tensor(self.lost)}
        held = dict(tensors) | counts
        write_tensors(self.folder / "checkpoint.safetensors", held)

    def restore(self) -> tuple[dict[str, Tensor], int] | None:
        """The last checkpoint and its step, or none."""
        if not self.holds("checkpoint"):
            return None
        path = self.folder / "checkpoint.safetensors"
        tensors = read_tensors(path)
        if "checkpoint.step" not in tensors:
            raise RunError(f"{path} is not a checkpoint of ours; delete the run and start again")
        tensors.pop("checkpoint.lost", None)
        return tensors, int(tensors.pop("checkpoint.step"))

    def _lost(self) -> int:
        """Steps lost before the checkpoint was written, and those asked since it was."""
        if not self.holds("checkpoint"):
            return self.asked
        tensors = read_tensors(self.folder / "checkpoint.safetensors")
        none = torch.tensor(0)
        saved, lost = (int(tensors.get(f"checkpoint.{name}", none)) for name in ("step", "lost"))
        return lost + max(self.asked - saved, 0)

    def remove(self) -> None:
        """Delete the folder: the run is finished."""
        for path in self.folder.iterdir():
            path.unlink()
        self.folder.rmdir()


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write a safetensors file whole or not at all, flushed to disk."""
    fresh = path.with_suffix(".partial")
    with fresh.open("wb") as file:
        file.write(_bytes(tensors))
        file.flush()
        os.fsync(file.fileno())
    durable.replace(fresh, path)


def _bytes(tensors: Mapping[str, Tensor]) -> bytes:
    return save({k: v.detach().cpu().contiguous() for k, v in tensors.items()})


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file; nothing in it is ever executed.

    Raises:
        RunError: if the file is missing or is something else, such as a pickle.
    """
    try:
        return load_file(path)
    except FileNotFoundError as error:
        raise RunError(f"{path.name} is missing from {path.parent}") from error
    except (SafetensorError, OSError) as error:
        raise RunError(f"{path} is not a safetensors file: {error}") from error
