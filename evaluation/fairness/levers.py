"""What can be done for a group: weights in learning, and more of it at generation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

import numpy as np
import torch
from copies import learnt

from dpsynth.data.codec import Codec, Tokens
from dpsynth.data.records import Records
from dpsynth.models import Model
from dpsynth.models.base import quiet
from dpsynth.models.weighing import CAN, Part, Weigh, chosen_weights
from dpsynth.pipeline.conditions import cells, conditions
from dpsynth.pipeline.sampling import Sampler
from dpsynth.schema import Schema

NONE, OVER = "none", "oversampled"
WEIGHED: Mapping[str, Weigh] = {
    "weighed measurements": "measurements",
    "weighed training": "training",
    "weighed both": "both",
}


@dataclass(frozen=True, kw_only=True)
class Target:
    """The group that is helped. Public, and fixed before any result.

    Attributes:
        column: of the patient.
        inside: its groups that are helped, as `generate --balance` reads them.
        rest: all others.
        weight: of the others, in learning; the target's is 1.
    """

    column: str
    inside: str
    rest: tuple[str, ...]
    weight: float = 0.4

    @property
    def weights(self) -> dict[str, dict[str, float]]:
        """As `train` takes them."""
        return {self.column: dict.fromkeys(self.rest, self.weight)}

    @property
    def balance(self) -> str:
        """The target and the rest, equally many."""
        return f"{self.column}:{self.inside},{'|'.join(self.rest)}"


def levers_of(model: str) -> list[str]:
    """Those that a model has, without first."""
    can = set(CAN.get(model, ()))
    parts = {name: set(get_args(Part) if e == "both" else [e]) for name, e in WEIGHED.items()}
    return [NONE, OVER, *(name for name, part in parts.items() if part <= can)]


@dataclass(frozen=True, kw_only=True)
class Shop:
    """Makes copies of one training part.

    Attributes:
        train: the training part.
        schema: its `population` is the public size.
        books: public code books.
        target: who is helped.
    """

    train: Records
    schema: Schema
    books: Codec
    target: Target

    def copies(
        self, model: str, epsilon: float, seed: int, levers: list[str]
    ) -> Iterator[tuple[str, Tokens]]:
        """A copy for each lever: twice as many patients as were trained on.

        The oversampled one comes from the model that no lever touched, at no cost.
        """
        plain = self._learnt(model, epsilon, seed, NONE)
        for lever in levers:
            if lever == OVER:
                yield lever, self._oversampled(plain, seed)
            else:
                made = plain if lever == NONE else self._learnt(model, epsilon, seed, lever)
                yield lever, made.sample(self._many, {}, seed, quiet, torch.device("cpu"))

    @property
    def _many(self) -> int:
        assert isinstance(self.schema.population, int)
        return 2 * self.schema.population

    def _learnt(self, model: str, epsilon: float, seed: int, lever: str) -> Model:
        groups = None
        if lever in WEIGHED:
            groups = chosen_weights(model, self.schema, self.target.weights, WEIGHED[lever])
        data = self.train, self.schema, self.books
        return learnt(model, {}, epsilon, seed, *data, groups=groups)

    def _oversampled(self, model: Model, seed: int) -> Tokens:
        """As `generate --balance` makes it."""
        sampler = Sampler(
            model=model, schema=self.schema, codec=self.books, seed=seed,
            device=torch.device("cpu"), progress=quiet,
        )  # fmt: skip
        parts = cells([self.target.balance], self.books, conditions([], self.books))
        many = self._many // len(parts)
        made = [sampler.sample(many, each, block=b)[0] for b, each in enumerate(parts, start=1)]
        return self.books.encode(Records.stacked(made))


def shares(tokens: Tokens, books: Codec, target: Target) -> float:
    """Share of a copy's patients who are in the target."""
    inside = cells([f"{target.column}:{target.inside}"], books, conditions([], books))[0]
    met = inside.met(tokens, books, np.random.default_rng(0))
    return float(met.mean())
