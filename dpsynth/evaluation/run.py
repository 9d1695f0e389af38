"""The whole evaluation of one synthetic data set, ours or anyone's."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from dpsynth.data.codec import Codec
from dpsynth.data.records import Records
from dpsynth.errors import DataError
from dpsynth.evaluation.absent import completed, missing_columns
from dpsynth.evaluation.case import Case, Side
from dpsynth.evaluation.charts import column_bars, sample_patients, transition_heats, visit_bars
from dpsynth.evaluation.evaluation import Evaluation, Row
from dpsynth.evaluation.leakage.black_box import Coins
from dpsynth.evaluation.series import gathered
from dpsynth.evaluation.steps import PARTS
from dpsynth.schema import Schema

Progress = Callable[[str, int, int], None]


def evaluate(
    train: Records,
    holdout: Records,
    synthetic: Records,
    schema: Schema,
    codec: Codec,
    *,
    seed: int = 0,
    unprotected: Records | None = None,
    anonymeter: Path | None = None,
    coins: Coins | None = None,
    said: Sequence[str] = (),
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
        unprotected: a copy by the same model without noise, which tells what bias the generator
            adds from what privacy adds. It protects nobody: delete it after measuring.
        anonymeter: Python of an environment that has anonymeter, to run its attacks too.
        coins: how patients were held out, if each was by a coin of its own.
        said: what reading the copy changed; noted.
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
    notes = [f"the copy as it was read: {line}" for line in said]
    notes += [f"the copy lacks the column {name!r}" for name in missing_columns(synthetic, codec)]
    synthetic, bare = completed(synthetic, codec), None
    if unprotected is not None:
        whole = completed(unprotected, codec)
        bare = Side(records=whole, tokens=codec.encode(whole))
    case = Case(
        train=Side(records=train, tokens=codec.encode(train)),
        holdout=Side(records=holdout, tokens=codec.encode(holdout)),
        synthetic=Side(records=synthetic, tokens=codec.encode(synthetic)),
        unprotected=bare,
        schema=schema,
        codec=codec,
        seed=seed,
        anonymeter=anonymeter,
        coins=coins,
    )
    rows: list[Row] = []
    todo = [step for part in PARTS for step in part.steps(case)]
    for done, (name, step) in enumerate(todo):
        if progress:
            progress(name, done, len(todo))
        rows += step()
    figures = gathered(case)
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
        figures=figures,
        notes=(*notes, *(said for part in PARTS for said in part.remarks(case))),
        seed=seed,
        seconds=round(time.monotonic() - start, 1),
    )
