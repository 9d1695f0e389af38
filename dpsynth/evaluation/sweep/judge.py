"""The real patients that copies of a sweep are held against, and what models learn from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.data.records import Records
from dpsynth.errors import DataError
from dpsynth.evaluation.absent import missing_columns
from dpsynth.evaluation.case import Case, Side
from dpsynth.evaluation.estimate import subsample
from dpsynth.evaluation.shown import shown
from dpsynth.evaluation.steps.groups import split
from dpsynth.evaluation.steps.leaks import ATTACKED
from dpsynth.evaluation.steps.prediction import JUDGED, TRAINED
from dpsynth.evaluation.utility.pictures import read_pictures
from dpsynth.evaluation.utility.predictions import Predicted, trained
from dpsynth.evaluation.utility.task import task
from dpsynth.schema import Schema


@dataclass(frozen=True, kw_only=True)
class Judge:
    """What copies are measured by. It holds real records: it never leaves the sweep.

    The same patients judge every copy, so that what makes them hard is the same for all.

    Attributes:
        schema, codec: public facts; of private columns the codec is exact, for internal use.
        holdout: real patients that nothing was trained on.
        size: how many patients were trained on; fidelity compares at most as many.
        real: predictions for the holdout by a model from the real training patients; none
            where the schema names no label.
        single, crossed: by name, (holdout patients,) whether each belongs to the group, by
            one attribute and by several.
        members, outsiders: as many patients trained on as not, to be attacked.
        seed: of everything random.
    """

    schema: Schema
    codec: Codec
    holdout: Side
    size: int
    real: Predicted | None
    single: Mapping[str, np.ndarray]
    crossed: Mapping[str, np.ndarray]
    members: Tokens
    outsiders: Tokens
    seed: int

    @property
    def pictures(self) -> bool:
        """Whether copies are of pictures; then a classifier of pictures judges them."""
        return self.codec.picture is not None

    def predicted(self, tokens: Tokens, records: Records) -> Predicted:
        """For the holdout: by a model from these patients, real or synthetic."""
        label = self.schema.label
        assert label is not None
        some = subsample(len(tokens), TRAINED, np.random.default_rng([self.seed, 3]))
        if self.pictures:
            test = shown(self.holdout.tokens, self.codec, label)
            return read_pictures(shown(tokens.take(some), self.codec, label), test)
        if len(some) < len(tokens):
            records = records.take(some)
        model = trained(task(records, self.codec, label), seed=self.seed)
        return model.predict(task(self.holdout.records, self.codec, label))


def judge(
    train: Records, holdout: Records, schema: Schema, codec: Codec, *, seed: int = 0
) -> Judge:
    """Read real patients once, for all copies.

    Raises:
        DataError: if there are no training or holdout patients, or they lack a column.
    """
    for name, real in (("training", train), ("holdout", holdout)):
        absent = missing_columns(real, codec)
        if absent or not len(real):
            what = f"lack {', '.join(absent)}" if absent else "are empty"
            raise DataError(f"the {name} records {what}; a sweep needs complete real records")
    rng = np.random.default_rng([seed, 1])
    if len(holdout) > JUDGED:
        holdout = holdout.take(subsample(len(holdout), JUDGED, rng))
    sides = [Side(records=each, tokens=codec.encode(each)) for each in (train, holdout)]
    case = Case(
        train=sides[0], holdout=sides[1], synthetic=sides[1], schema=schema, codec=codec, seed=seed
    )
    single, crossed = (
        {each.name: each.members(sides[1].tokens, codec) for part in parts for each in part}
        for parts in (split(case).single.values(), split(case).crossed.values())
    )
    attacked = min(len(train), len(holdout), ATTACKED)
    made = Judge(
        schema=schema,
        codec=codec,
        holdout=sides[1],
        size=len(train),
        real=None,
        single=single,
        crossed=crossed,
        members=sides[0].tokens.take(subsample(len(train), attacked, rng)),
        outsiders=sides[1].tokens.take(subsample(len(holdout), attacked, rng)),
        seed=seed,
    )
    if schema.label is None:
        return made
    return replace(made, real=made.predicted(sides[0].tokens, train))
