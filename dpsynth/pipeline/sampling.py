"""Synthetic patients who meet conditions and hold the schema's rules: draw, reject, draw more."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch

from dpsynth.data.codec import Codec
from dpsynth.data.records import Records
from dpsynth.data.redraw import Redraw
from dpsynth.errors import PromiseError
from dpsynth.models.base import Model, Progress
from dpsynth.pipeline.conditions import Conditions
from dpsynth.schema import Schema

WHERE = "conditions asked for"
LEAST_TRIED = 2_000  # patients made before giving up
LEAST_KEPT = 0.01  # of them, or it is given up
MOST_AT_ONCE = 100_000


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What became of the patients that the model made.

    Attributes:
        made: by the model.
        rejected: of them, not kept because they broke a rule or a condition.
        reasons: how many broke each rule, or the conditions; one patient may break several.
    """

    made: int = 0
    rejected: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Share of patients made that were rejected."""
        return self.rejected / self.made if self.made else 0.0

    def __add__(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(
            made=self.made + other.made,
            rejected=self.rejected + other.rejected,
            reasons=Counter(self.reasons) + Counter(other.reasons),
        )


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """A trained model, what its tokens mean, and what every patient holds.

    Attributes:
        model, schema, codec: of a finished run.
        seed: of everything random; each round draws from seeds of its own.
        device: to compute on.
        progress: called with (stage, done, of).
    """

    model: Model
    schema: Schema
    codec: Codec
    seed: int
    device: torch.device
    progress: Progress

    def sample(self, patients: int, given: Conditions, block: int = 0) -> tuple[Records, Tally]:
        """That many patients, in rounds.

        Guarantee:
            Each patient meets the conditions and holds each rule. They have the law of the
            model's patients given that they do, up to how numbers lie inside their bins.

        Raises:
            PromiseError: if fewer than one patient in a hundred can be kept.
        """
        parts: list[Records] = []
        kept, tally = 0, Tally()
        while kept < patients or not parts:
            share = kept / tally.made if tally.made else 1.0
            wanted = math.ceil((patients - kept) / max(share, LEAST_KEPT))
            some, new = self._round(min(wanted, MOST_AT_ONCE), given, (block, len(parts)))
            parts.append(some)
            kept, tally = kept + len(some), tally + new
            few = kept < min(patients, LEAST_KEPT * tally.made)
            if few and tally.made >= LEAST_TRIED:
                reason, times = max(tally.reasons.items(), key=lambda item: item[1])
                raise PromiseError(
                    f"only {kept:,} of {tally.made:,} patients made could be kept: {times:,} "
                    f"break {reason!r}; ask for less, loosen the rule, or train a better model"
                )
        whole = Records.stacked(parts)
        return whole.take(np.arange(patients)), tally

    def _round(
        self, patients: int, given: Conditions, turn: tuple[int, int]
    ) -> tuple[Records, Tally]:
        start, inner = self._seeds(turn)
        tokens = self.model.sample(patients, given.fixed, start, self.progress, self.device)
        rng = np.random.default_rng(inner)
        met = given.met(tokens, self.codec, rng)
        tokens = tokens.take(np.flatnonzero(met))
        redraw = Redraw(schema=self.schema, codec=self.codec, within=given.within)
        records, wrong = redraw.records(tokens, rng)
        wrong = {WHERE: ~given.inside(records), **wrong}
        good = ~np.logical_or.reduce(list(wrong.values()))
        reasons = Counter({text: int(who.sum()) for text, who in wrong.items()})
        reasons[WHERE] += int((~met).sum())
        tally = Tally(made=patients, rejected=patients - int(good.sum()), reasons={**(+reasons)})
        return records.take(np.flatnonzero(good)), tally

    def _seeds(self, turn: tuple[int, int]) -> tuple[int, list[int]]:
        """Of the model and of what is drawn besides; the first round's are the seed itself."""
        if turn == (0, 0):
            return self.seed, [self.seed, 1]
        model, other = np.random.SeedSequence([self.seed, 2, *turn]).generate_state(2, np.uint64)
        return int(model >> np.uint64(2)), [int(other)]
