"""Synthetic patients who meet conditions and hold the schema's rules: draw, reject, draw more."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from dpsynth.data.codec import Codec
from dpsynth.data.records import Records
from dpsynth.data.redraw import Redraw
from dpsynth.errors import PromiseError
from dpsynth.models.base import Model, Progress
from dpsynth.pipeline.conditions import Conditions, conditions
from dpsynth.pipeline.quotas import strata, taken
from dpsynth.schema import Schema

WHERE = "conditions asked for"
LEAST_TRIED = 2_000  # patients made before giving up
LEAST_KEPT = 0.01  # of them, or it is given up
MOST_AT_ONCE = 100_000
MOST_STAND_INS = 0.01  # of the patients wanted, or more are made to choose from
MOST_MADE = 4  # patients for each one wanted, to have enough to choose from


@dataclass(frozen=True, kw_only=True)
class Round:
    """Patients that the model made at once, and those kept of them.

    Attributes:
        records: of the patients kept.
        kept, met: strata of the patients kept, and of all that meet the conditions.
        made: how many patients the model made.
        reasons: how many broke each rule, or the conditions.
    """

    records: Records
    kept: np.ndarray
    met: np.ndarray
    made: int
    reasons: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What became of the patients that the model made.

    Attributes:
        made: by the model.
        rejected: of them, not kept because they broke a rule or a condition.
        reasons: how many broke each rule, or the conditions; one patient may break several.
        stand_ins: patients taken in place of ones with another number of visits or another
            label, of whom too few held the rules.
    """

    made: int = 0
    rejected: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    stand_ins: int = 0

    @classmethod
    def of(cls, rounds: Sequence[Round]) -> Tally:
        """All rounds together."""
        made, kept = sum(r.made for r in rounds), sum(len(r.kept) for r in rounds)
        reasons: Counter[str] = Counter()
        for each in rounds:
            reasons.update(each.reasons)
        return cls(made=made, rejected=made - kept, reasons=dict(reasons))

    @property
    def rate(self) -> float:
        """Share of patients made that were rejected."""
        return self.rejected / self.made if self.made else 0.0

    def __add__(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(
            made=self.made + other.made,
            rejected=self.rejected + other.rejected,
            reasons=dict(Counter(self.reasons) + Counter(other.reasons)),
            stand_ins=self.stand_ins + other.stand_ins,
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
            model's patients given that they do, except for how numbers lie inside their bins,
            and that the numbers of visits and the label keep the shares that the model made
            before rules rejected any, as far as enough patients of each were kept.

        Raises:
            PromiseError: if fewer than one patient in a hundred can be kept.
        """
        rounds: list[Round] = []
        while True:
            made = sum(each.made for each in rounds)
            kept = sum(len(each.records) for each in rounds)
            if rounds and kept >= patients:
                found, tally = self._taken(rounds, patients)
                if tally.stand_ins <= MOST_STAND_INS * patients or made >= MOST_MADE * patients:
                    return found, tally
            elif made >= LEAST_TRIED and kept < LEAST_KEPT * made:
                raise _too_few(Tally.of(rounds), kept)
            share = max(kept / made, LEAST_KEPT) if made else 1.0
            size = math.ceil((patients - kept) / share)
            if kept >= patients:
                size = min(math.ceil(patients / share), MOST_MADE * patients - made)
            size = min(size, MOST_AT_ONCE)
            rounds.append(self._round(size, given, (block, len(rounds))))

    def _taken(self, rounds: Sequence[Round], patients: int) -> tuple[Records, Tally]:
        kept = np.concatenate([each.kept for each in rounds])
        met = np.concatenate([each.met for each in rounds])
        if len(kept) == len(met):  # no rule rejected anyone
            chosen, lacking = np.arange(patients), 0
        else:
            chosen, lacking = taken(kept, met, patients)
        whole = Records.stacked([each.records for each in rounds])
        tally = replace(Tally.of(rounds), stand_ins=lacking)
        return Records.stacked([whole.take(chosen)]), tally

    def _round(self, patients: int, given: Conditions, turn: tuple[int, int]) -> Round:
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
        classes = strata(tokens, self.codec, self.schema)
        return Round(
            records=records.take(np.flatnonzero(good)),
            kept=classes[good],
            met=classes,
            made=patients,
            reasons=+reasons,
        )

    def _seeds(self, turn: tuple[int, int]) -> tuple[int, list[int]]:
        """Of the model and of what is drawn besides; the first round's are the seed itself."""
        if turn == (0, 0):
            return self.seed, [self.seed, 1]
        model, other = np.random.SeedSequence([self.seed, 2, *turn]).generate_state(2, np.uint64)
        return int(model >> np.uint64(2)), [int(other)]


def _too_few(tally: Tally, kept: int) -> PromiseError:
    reason, times = max(tally.reasons.items(), key=lambda item: item[1])
    return PromiseError(
        f"only {kept:,} of {tally.made:,} patients made could be kept: {times:,} break "
        f"{reason!r}; ask for less, loosen the rule, or train a better model"
    )


def plain_copy(
    model: Model,
    schema: Schema,
    codec: Codec,
    patients: int,
    *,
    seed: int,
    device: torch.device,
    progress: Progress,
) -> Records:
    """Synthetic patients as `generate` makes them where nothing is asked; they stay in memory."""
    sampler = Sampler(
        model=model, schema=schema, codec=codec, seed=seed, device=device, progress=progress
    )
    return sampler.sample(patients, conditions((), codec))[0]
