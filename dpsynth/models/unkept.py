"""What a training without protection keeps while it lasts: in memory, and in no file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from torch import Tensor

from dpsynth.models.state import State


class Unkept(State):
    """The same record as `State`, for a training that must leave nothing behind.

    Guarantee:
        Nothing is ever written, so nothing is left where the process is killed. Such a training
        can't be taken up again: it is begun anew, as another access.
    """

    def __init__(self) -> None:
        self.lost = self._asked = 0
        self._answers: dict[str, list[np.ndarray]] = {}
        self._held: tuple[dict[str, Tensor], int] | None = None

    def once(self, name: str, ask: Callable[[], list[np.ndarray]]) -> list[np.ndarray]:
        """The tables under that name, asked the first time."""
        if name not in self._answers:
            self._answers[name] = ask()
        return [each.copy() for each in self._answers[name]]

    def saved(self, file: str, ask: Callable[[], bytes]) -> Path:
        """Refused: there is no file."""
        raise TypeError(f"nothing of this training may be saved, {file} neither")

    def holds(self, name: str) -> bool:
        """Whether answers of that name were asked."""
        return name in self._answers

    def asking(self, step: int) -> None:
        """Count the step."""
        self._asked += 1

    @property
    def asked(self) -> int:
        """How many steps have been asked."""
        return self._asked

    def checkpoint(self, tensors: Mapping[str, Tensor], step: int) -> None:
        """Keep what training had learnt after `step` steps."""
        self._held = {name: each.detach().clone() for name, each in tensors.items()}, step

    def restore(self) -> tuple[dict[str, Tensor], int] | None:
        """The last checkpoint and its step, or none."""
        return self._held

    def remove(self) -> None:
        """Forget all of it."""
        self._answers, self._held = {}, None
