"""A copy by a model without noise, to measure what noise does: made, and forgotten at once."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from dpsynth.data.codec import Codec
from dpsynth.data.records import Records
from dpsynth.models import MODELS
from dpsynth.models.base import Progress
from dpsynth.models.state import State
from dpsynth.pipeline.conditions import conditions
from dpsynth.pipeline.sampling import Sampler
from dpsynth.privacy.door import Door
from dpsynth.privacy.noise import CryptoStream
from dpsynth.privacy.plan import Plan
from dpsynth.schema import Schema


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training that no budget pays for, so that nothing of it may stay.

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
        place: Path,
        device: torch.device,
        progress: Progress,
    ) -> Records:
        """Train, and make so many synthetic patients; they stay in memory.

        Nothing of it can be released: there is no run folder, no card, and no reservation in
        the ledger that `release` asks for. Whoever calls this writes an unprotected access into
        the ledger first.

        Args:
            door: to the patients.
            books: code books.
            patients: to generate.
            seed: of generation.
            device: to train on.
            place: folder of what training keeps meanwhile; it is gone afterwards, also after an
                error. After a kill it is not: whoever owns it clears it.
        """
        shutil.rmtree(place, ignore_errors=True)
        try:
            door.use(books)
            model = MODELS[self.model](self.schema, books, self.plan, **self.settings)
            model.fit(door, State(place), progress, device)
            sampler = Sampler(
                model=model,
                schema=self.schema,
                codec=books,
                seed=seed,
                device=device,
                progress=progress,
            )
            return sampler.sample(patients, conditions((), books))[0]
        finally:
            shutil.rmtree(place, ignore_errors=True)
