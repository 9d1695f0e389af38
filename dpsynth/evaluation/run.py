"""The whole evaluation of one synthetic data set, ours or anyone's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from dpsynth.data.codec import GAP, Codec, Tokens
from dpsynth.data.records import Records
from dpsynth.errors import DataError
from dpsynth.evaluation import fidelity, leakage, run_pictures, utility
from dpsynth.evaluation.absent import completed, missing_columns
from dpsynth.evaluation.charts import column_bars, sample_patients, transition_heats, visit_bars
from dpsynth.evaluation.controls import independent_columns, schema_guess
from dpsynth.evaluation.estimate import Estimate, subsample
from dpsynth.evaluation.evaluation import Evaluation, Row, row
from dpsynth.evaluation.fidelity.tables import is_grid
from dpsynth.evaluation.run_groups import group_rows, share_rows
from dpsynth.evaluation.utility.boosting import predict, uninformed
from dpsynth.evaluation.utility.task import task
from dpsynth.schema import Schema

FIDELITY_PATIENTS = 5_000  # of each data set, at most
TRAINING_PATIENTS = 20_000  # to train the predicting models on, at most
JUDGED_PATIENTS = 10_000  # holdout patients that they are judged on, at most
ATTACKED = 1000  # members, and as many outsiders, at most
SEARCHED = 10_000  # synthetic patients that the attack looks through, at most
LEAST_REAL = 100  # patients of the real reference, however small the copy

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True)
class Side:
    """One data set in both forms."""

    records: Records
    tokens: Tokens

    def take(self, patients: np.ndarray) -> Side:
        """Those patients."""
        return Side(records=self.records.take(patients), tokens=self.tokens.take(patients))


@dataclass(frozen=True, kw_only=True)
class Case:
    """The data sets of one evaluation, and what they mean."""

    train: Side
    holdout: Side
    synthetic: Side
    schema: Schema
    codec: Codec
    seed: int

    def rng(self, purpose: int) -> np.random.Generator:
        """A generator of its own for each purpose, so that no step moves another."""
        return np.random.default_rng([self.seed, purpose])


def evaluate(
    train: Records,
    holdout: Records,
    synthetic: Records,
    schema: Schema,
    codec: Codec,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> Evaluation:
    """Measure fidelity, utility, bias and leakage of a synthetic data set.

    Every value stands beside two references: what real patients reach, and what data
    without the property in question reach. Fidelity compares with the holdout, and the real
    reference is as many training patients as there are synthetic ones, so that both carry
    the same chance. Reads real records directly: the result is internal.

    Args:
        train: the patients the copy was made from.
        holdout: patients of the same population that it was not made from.
        synthetic: the copy; columns it lacks are taken as missing, and noted.
        schema: public facts: label, sensitive columns.
        codec: public code books; numbers are compared by its bins.
        seed: of everything random.
        progress: called as progress(name, done, total) before each step and at the end.

    Raises:
        DataError: if there are no training or holdout patients, or they lack a column.
        SchemaError: if the label fits no column.
    """
    start = time.monotonic()
    for name, real in (("training", train), ("holdout", holdout)):
        absent = missing_columns(real, codec)
        if absent or not len(real):
            what = f"lack {', '.join(absent)}" if absent else "are empty"
            raise DataError(f"the {name} records {what}; evaluation needs complete real records")
    notes = [f"the copy lacks the column {name!r}" for name in missing_columns(synthetic, codec)]
    synthetic = completed(synthetic, codec)
    case = Case(
        train=Side(records=train, tokens=codec.encode(train)),
        holdout=Side(records=holdout, tokens=codec.encode(holdout)),
        synthetic=Side(records=synthetic, tokens=codec.encode(synthetic)),
        schema=schema,
        codec=codec,
        seed=seed,
    )
    rows: list[Row] = []
    todo = list(steps(case))
    for done, (name, step) in enumerate(todo):
        if progress:
            progress(name, done, len(todo))
        rows += step()
    if progress:
        progress("done", len(todo), len(todo))
    a, b = case.holdout.tokens, case.synthetic.tokens
    return Evaluation(
        name=schema.name,
        unit=schema.unit,
        train=len(train),
        holdout=len(holdout),
        synthetic=len(synthetic),
        rows=tuple(rows),
        columns=column_bars(a, b, codec),
        transitions=transition_heats(a, b, codec),
        visits=visit_bars(a, b, codec),
        sample=sample_patients(synthetic),
        notes=tuple(notes + remarks(case)),
        seed=seed,
        seconds=round(time.monotonic() - start, 1),
    )


def steps(case: Case) -> Iterator[tuple[str, Callable[[], list[Row]]]]:
    """The steps of an evaluation by name, cheap ones first."""
    yield (
        "shares of groups",
        lambda: share_rows(
            case.holdout.tokens, case.synthetic.tokens, case.codec, case.schema.label
        ),
    )
    sides = fidelity_sides(case)
    for name in fidelity.METRICS:
        yield name, partial(token_rows, case, name, sides)
    if any(each.name == GAP for each in case.codec.visit):
        for name in fidelity.TIMING:
            yield name, partial(timing_rows, case, name, sides)
    if case.schema.rules:
        for name in fidelity.RULES:
            yield name, partial(rule_rows, case, name, sides)
    if case.schema.label is not None:
        yield "prediction", lambda: utility_rows(case)
    yield "leakage", lambda: leakage_rows(case)
    if case.codec.picture is not None:
        yield "pictures", lambda: picture_rows(case, sides)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What fidelity metrics compare: the holdout with three others, sizes matched."""

    holdout: Side
    synthetic: Side
    real: Side
    controls: dict[str, Tokens]


def fidelity_sides(case: Case) -> Compared:
    """Draw the patients that fidelity metrics compare, and make the controls."""
    rng, train = case.rng(1), case.train
    most = min(len(train.records), FIDELITY_PATIENTS)
    kept = subsample(len(case.synthetic.records), most, rng)
    real = train.take(subsample(len(train.records), max(len(kept), LEAST_REAL), rng))
    held = subsample(len(case.holdout.records), FIDELITY_PATIENTS, rng)
    grid = is_grid(case.holdout.tokens, case.codec)
    return Compared(
        holdout=case.holdout.take(held),
        synthetic=case.synthetic.take(kept),
        real=real,
        controls={
            fidelity.GUESS: schema_guess(case.codec, len(real.tokens), grid, rng),
            fidelity.SHUFFLED: independent_columns(real.tokens, rng),
        },
    )


def token_rows(case: Case, name: str, sides: Compared) -> list[Row]:
    """One fidelity metric on tokens."""
    metric = fidelity.METRICS[name]
    others = (sides.synthetic.tokens, sides.real.tokens, sides.controls[metric.control])
    value, real, control = (
        metric.measure(sides.holdout.tokens, other, case.codec, seed=case.seed) for other in others
    )
    if not real.assessable:
        return []  # the property does not exist in these data
    return [row(name, "fidelity", metric, value, real, control)]


def timing_rows(case: Case, name: str, sides: Compared) -> list[Row]:
    """One fidelity metric on times."""
    metric = fidelity.TIMING[name]
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


def rule_rows(case: Case, name: str, sides: Compared) -> list[Row]:
    """One fidelity metric on the schema's rules, of whole data sets."""
    metric = fidelity.RULES[name]
    guess = case.codec.decode(sides.controls[metric.control], case.rng(5))
    others = (case.synthetic.records, case.holdout.records, guess)
    value, real, control = (metric.measure(other, case.schema) for other in others)
    return [row(name, "fidelity", metric, value, real, control)]


def utility_rows(case: Case) -> list[Row]:
    """All metrics that judge a model from the copy on real patients, groups included."""
    label = case.schema.label
    if label is None:
        return []
    rng, caps = case.rng(3), (TRAINING_PATIENTS, TRAINING_PATIENTS, JUDGED_PATIENTS)
    sides = [
        each.take(subsample(len(each.records), most, rng)) if len(each.records) > most else each
        for each, most in zip((case.synthetic, case.train, case.holdout), caps, strict=True)
    ]
    made, train, test = (task(each.records, case.codec, label) for each in sides)
    models = [predict(source, test, seed=case.seed) for source in (made, train)]
    models.append(uninformed(train, test))
    rows = []
    for name, metric in utility.METRICS.items():
        value, real, control = (metric.measure(model, seed=case.seed) for model in models)
        rows.append(row(name, "utility", metric, value, real, control))
    return rows + group_rows(sides[2].tokens, case.codec, label, models, case.seed)


def picture_rows(case: Case, sides: Compared) -> list[Row]:
    """All metrics on pictures."""
    label, seed = case.schema.label, case.seed
    compared = (sides.holdout.tokens, sides.synthetic.tokens, sides.real.tokens)
    rows = run_pictures.likeness_rows(*compared, case.codec, label, seed)
    three = (case.train.tokens, case.holdout.tokens, case.synthetic.tokens)
    if label is not None:
        rows += run_pictures.reading_rows(*three, case.codec, label, seed)
    return rows + run_pictures.nearness_rows(*three, case.codec, seed)


def leakage_rows(case: Case) -> list[Row]:
    """Copies, and the membership attack, beside fresh patients and a plain copy."""
    rng, synthetic = case.rng(4), case.synthetic.tokens
    members, outsiders = case.train.tokens, case.holdout.tokens
    metric = leakage.COPIES["copy_rate"]
    by_chance = scaled(metric.measure(synthetic, outsiders), len(members) / len(outsiders))
    rates = (metric.measure(synthetic, members), by_chance, metric.measure(members, members))
    rows = [row("copy_rate", "leakage", metric, *rates)]
    same = min(len(members), len(outsiders))
    outsiders = outsiders.take(subsample(len(outsiders), same, rng))
    order = rng.permutation(same)
    attacked = outsiders.take(order[: max(min(same // 2, ATTACKED), 1)])
    fresh = outsiders.take(order[len(attacked) :])
    members = members.take(subsample(len(members), len(attacked), rng))
    searched = synthetic.take(subsample(len(synthetic), SEARCHED, rng))
    attacks = [leakage.attack(members, attacked, each) for each in (searched, fresh, members)]
    for name, judge in leakage.METRICS.items():
        value, real, control = (judge.measure(made, seed=case.seed) for made in attacks)
        rows.append(row(name, "leakage", judge, value, real, control))
    return rows


def scaled(share: Estimate, times: float) -> Estimate:
    """A rate of coincidence among `times` as many real patients (at most, so an alarm is sure)."""
    value, low, high = (min(each * times, 1.0) for each in (share.value, share.low, share.high))
    return Estimate(value, low, high, share.n, share.note)


def remarks(case: Case) -> list[str]:
    """Caps that took effect, and what could not be measured for want of a fact."""
    found = []
    sizes = (case.train.records, case.holdout.records, case.synthetic.records)
    if max(map(len, sizes)) > FIDELITY_PATIENTS:
        found.append(f"fidelity uses {FIDELITY_PATIENTS:,} patients of a data set, at random")
    if max(len(sizes[0]), len(sizes[2])) > TRAINING_PATIENTS:
        found.append(f"models are trained on {TRAINING_PATIENTS:,} patients, at random")
    if len(case.holdout.records) > JUDGED_PATIENTS:
        found.append(f"models are judged on {JUDGED_PATIENTS:,} holdout patients, at random")
    if case.codec.picture is not None:
        found += run_pictures.remarks([len(each) for each in sizes])
    if len(case.synthetic.records) > len(case.train.records):
        found.append("fidelity uses as many synthetic patients as there are training patients")
    if not len(case.synthetic.records):
        found.append("there are no synthetic patients")
    if case.schema.label is None:
        found.append("the schema names no label, so usefulness for prediction is not measured")
    if not any(each.column.sensitive for each in case.codec.static):
        found.append("the schema names no sensitive per-patient column, so no groups are compared")
    return found
