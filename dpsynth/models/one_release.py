"""What a model that is one joint release of tables has in common with its like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from dpsynth.data.codec import Codec
from dpsynth.models.base import Progress
from dpsynth.models.packing import as_arrays, as_tensors
from dpsynth.models.state import State
from dpsynth.privacy.door import Door
from dpsynth.privacy.plan import Plan
from dpsynth.privacy.query import Query, joint_sensitivity


class OneRelease:
    """Asks its tables once, and is nothing but the noisy answers.

    Args:
        codec, plan: public, or released; the plan holds the release "tables".
        queries: the tables.
    """

    def __init__(self, codec: Codec, plan: Plan, queries: Sequence[Query]) -> None:
        self.codec, self._queries = codec, list(queries)
        release = plan.release("tables")
        self._noise_sd = release.noise_multiplier * joint_sensitivity(self._queries)
        self._answers: list[np.ndarray] = []

    def fit(self, door: Door, state: State, progress: Progress, device: torch.device) -> None:
        """Ask once."""
        self._answers = state.once("tables", lambda: door.measure("tables", self._queries))
        progress("measuring", 1, 1)

    def tensors(self) -> dict[str, Tensor]:
        """The noisy tables."""
        return as_tensors({f"{i:04d}": answer for i, answer in enumerate(self._answers)})

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take up saved tables."""
        arrays = as_arrays(tensors)
        self._answers = [arrays[key] for key in sorted(arrays)]
