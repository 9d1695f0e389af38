"""The rows about fidelity: the copy, other real patients and a control, beside the holdout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from dpsynth.data.codec import GAP, Tokens
from dpsynth.evaluation import fidelity
from dpsynth.evaluation.case import Case, Side, Step
from dpsynth.evaluation.controls import independent_columns, most_frequent, schema_guess
from dpsynth.evaluation.estimate import subsample
from dpsynth.evaluation.evaluation import Row, row
from dpsynth.evaluation.fidelity.tables import is_grid

COMPARED = {**fidelity.METRICS, **fidelity.RECORDS}
PATIENTS = 5_000  # of each data set, at most
LEAST_REAL = 100  # patients of the real reference, however small the copy


def steps(case: Case) -> Iterator[Step]:
    """One step for each metric that the data have room for."""
    for name in COMPARED:
        yield name, partial(token_rows, case, name)
    if any(each.name == GAP for each in case.codec.visit):
        for name in fidelity.TIMING:
            yield name, partial(timing_rows, case, name)
    if case.schema.rules:
        for name in fidelity.RULES:
            yield name, partial(rule_rows, case, name)


def remarks(case: Case) -> list[str]:
    """Caps that took effect."""
    found = []
    if max(map(len, (case.train, case.holdout, case.synthetic))) > PATIENTS:
        found.append(f"fidelity uses {PATIENTS:,} patients of a data set, at random")
    if len(case.synthetic) > len(case.train):
        found.append("fidelity uses as many synthetic patients as there are training patients")
    return found


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What fidelity metrics compare: the holdout with three others, sizes matched."""

    holdout: Side
    synthetic: Side
    real: Side
    controls: dict[str, Tokens]


def compared(case: Case) -> Compared:
    """The patients that fidelity metrics compare, and the controls; drawn once."""
    return case.once("compared", _drawn)


def _drawn(case: Case) -> Compared:
    rng, train = case.rng(1), case.train
    most = min(len(train.records), PATIENTS)
    kept = subsample(len(case.synthetic.records), most, rng)
    real = train.take(subsample(len(train.records), max(len(kept), LEAST_REAL), rng))
    held = subsample(len(case.holdout.records), PATIENTS, rng)
    grid = is_grid(case.holdout.tokens, case.codec)
    return Compared(
        holdout=case.holdout.take(held),
        synthetic=case.synthetic.take(kept),
        real=real,
        controls={
            fidelity.GUESS: schema_guess(case.codec, len(real.tokens), grid, rng),
            fidelity.SHUFFLED: independent_columns(real.tokens, rng),
            fidelity.TYPICAL: most_frequent(real.tokens),
        },
    )


def token_rows(case: Case, name: str) -> list[Row]:
    """One fidelity metric on tokens."""
    sides, metric = compared(case), COMPARED[name]
    others = (sides.synthetic.tokens, sides.real.tokens, sides.controls[metric.control])
    value, real, control = (
        metric.measure(sides.holdout.tokens, other, case.codec, seed=case.seed) for other in others
    )
    if not real.assessable:
        return []  # the property does not exist in these data
    return [row(name, "fidelity", metric, value, real, control)]


def timing_rows(case: Case, name: str) -> list[Row]:
    """One fidelity metric on times."""
    sides, metric = compared(case), fidelity.TIMING[name]
    guess = case.codec.decode(sides.controls[metric.control], case.rng(2))
    others = (sides.synthetic.records, sides.real.records, guess)
    value, real, control = (
        metric.measure(sides.holdout.records, other, case.codec, seed=case.seed) for other in others
    )
    if not real.assessable:
        return []
    clock = case.schema.clock
    unit = clock.unit if clock is not None and name == "gap_wasserstein" else ""
    return [row(name, "fidelity", metric, value, real, control, unit=unit)]


def rule_rows(case: Case, name: str) -> list[Row]:
    """One fidelity metric on the schema's rules, of whole data sets."""
    sides, metric = compared(case), fidelity.RULES[name]
    guess = case.codec.decode(sides.controls[metric.control], case.rng(5))
    others = (case.synthetic.records, case.holdout.records, guess)
    value, real, control = (metric.measure(other, case.schema) for other in others)
    return [row(name, "fidelity", metric, value, real, control)]
