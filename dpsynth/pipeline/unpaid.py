"""A copy by a training that no budget pays for: made, and forgotten at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from dpsynth.data.codec import Codec
from dpsynth.data.records import Records
from dpsynth.models import MODELS
from dpsynth.models.base import Progress
from dpsynth.models.unkept import Unkept
from dpsynth.pipeline.sampling import plain_copy
from dpsynth.privacy.door import Door
from dpsynth.privacy.noise import CryptoStream
from dpsynth.privacy.plan import Plan
from dpsynth.schema import Schema


@dataclass(frozen=True, kw_only=True)
class UnpaidTraining:
    """A training that no budget pays for, so that nothing of it may stay.

    Attributes:
        model: registry name.
        settings: of the model.
        plan: `bare` of noise, or one that nobody was charged for.
        schema: public facts.
    """

    model: str
    settings: Mapping[str, Any]
    plan: Plan
    schema: Schema

    def door(self, train: Records, device: torch.device) -> Door:
        """To those patients."""
        return Door(train, plan=self.plan, randomness=CryptoStream(), device=device)

    def copy(
        self,
        door: Door,
        books: Codec,
        patients: int,
        *,
        seed: int,
        device: torch.device,
        progress: Progress,
    ) -> Records:
        """Train, and make so many synthetic patients; model and copy stay in memory.

        Nothing of it can be released: there is no run folder, no card, and no reservation in
        the ledger that `release` asks for. Whoever calls this writes an unprotected access into
        the ledger first.

        Args:
            door: to the patients.
            books: code books.
            patients: to generate.
            seed: of generation.
            device: to train on.
            progress: called with what is done.
        """
        door.use(books)
        model = MODELS[self.model](self.schema, books, self.plan, **self.settings)
        model.fit(door, Unkept(), progress, device)
        return plain_copy(
            model,
            self.schema,
            books,
            patients,
            seed=seed,
            device=device,
            progress=progress,
        )
