"""The rows about subgroups: who is in the copy, and whom its models rank worse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from dpsynth.data.codec import Tokens
from dpsynth.data.field import MISSING, Field
from dpsynth.evaluation.bias import METRICS, RATES, SHRUNK
from dpsynth.evaluation.bias.discrimination import Again
from dpsynth.evaluation.bias.groups import MOST, Group, groups
from dpsynth.evaluation.bias.intersections import CELLS, Intersection, intersections
from dpsynth.evaluation.bias.support import PATIENTS, few_patients
from dpsynth.evaluation.case import Case, Step
from dpsynth.evaluation.estimate import Estimate, not_assessable
from dpsynth.evaluation.evaluation import Row, row
from dpsynth.evaluation.steps.prediction import predictions, refits, tasks
from dpsynth.evaluation.utility.boosting import Predicted

Part = Group | Intersection


def steps(case: Case) -> Iterator[Step]:
    """Shares, and what models do per group if there is a label."""
    yield "shares of groups", partial(share_rows, case)
    if case.schema.label is not None:
        yield "groups", partial(group_rows, case)
        yield "decisions about groups", partial(rate_rows, case)


def remarks(case: Case) -> list[str]:
    """That there are no groups; how each attribute was split; intersections left out."""
    fields = [each for each in case.codec.static if each.column.sensitive]
    if not fields:
        return ["the schema names no sensitive per-patient column, so no groups are compared"]
    found = [_described(case, field) for field in fields]
    outside = [each.name for each in case.codec.visit if each.column.sensitive]
    if outside:
        found.append(
            f"sensitive columns that change from visit to visit are not compared as groups: "
            f"{', '.join(outside)}"
        )
    found.append(
        "attributes that the schema does not name as sensitive are not compared: of them, bias "
        "is unknown, not absent"
    )
    left_out = split(case).left_out
    if left_out:
        found.append(
            f"at most {CELLS} intersections of sensitive attributes are compared, and of three "
            f"only where {PATIENTS} patients would be in each on average, so these are not: "
            f"{', '.join(left_out)}"
        )
    return found


def _described(case: Case, field: Field) -> str:
    """An attribute as STANDING Together asks: of whom it is unknown, how its groups were made.

    Reference: Alderman et al., Tackling algorithmic bias and promoting transparency in health
    datasets: the STANDING Together consensus recommendations, Lancet Digital Health 7, 2025.
    """
    sides = {
        "real training patients": case.train,
        "real holdout patients": case.holdout,
        "the copy": case.synthetic,
    }
    said = f"sensitive attribute {field.name!r}: missing for " + ", ".join(
        f"{_missing(side.tokens, case, field.name):.1%} of {name}"
        for name, side in sides.items()
        if len(side)
    )
    parts = split(case).single.get(field.name)
    if parts is None:
        return f"{said}; it is the label, so it makes no groups"
    tokens = case.holdout.tokens
    small = sum(few_patients(int(each.members(tokens, case.codec).sum())) != "" for each in parts)
    if not field.categories:
        how = "ranges of the schema's bins"
    elif len(field.categories) > MOST:
        how = f"the {MOST - 1} most frequent categories, the rest together"
    else:
        how = "one for each category"
    said += f"; {len(parts)} groups, {how}"
    return said + (f"; {small} of fewer than {PATIENTS} holdout patients" if small else "")


def _missing(tokens: Tokens, case: Case, name: str) -> float:
    """Share of patients whose attribute is missing."""
    place = [field.name for field in case.codec.static].index(name)
    labels = case.codec.static[place].labels
    if labels[-1:] != [MISSING]:
        return 0.0
    return float((tokens.static[:, place] == len(labels) - 1).mean())


@dataclass(frozen=True, kw_only=True)
class Split:
    """Everyone, split in groups.

    Attributes:
        single: groups by one attribute each, by attribute.
        crossed: by two or three, by their names together.
        left_out: pairs and triples beyond the cap, or of cells too small.
    """

    single: dict[str, Sequence[Part]]
    crossed: dict[str, Sequence[Part]]
    left_out: list[str]

    @property
    def all(self) -> dict[str, Sequence[Part]]:
        """Both."""
        return {**self.single, **self.crossed}


def split(case: Case) -> Split:
    """Groups that hold a real holdout patient, but for the label's; made once."""
    return case.once("groups", _split)


def _split(case: Case) -> Split:
    real, label = case.holdout.tokens, case.schema.label
    found = {
        attribute: [each for each in parts if each.members(real, case.codec).any()]
        for attribute, parts in groups(real, case.codec).items()
        if label is None or attribute != label.column
    }
    together, left_out = intersections(found, len(real))
    crossed: dict[str, Sequence[Part]] = {
        name: [each for each in parts if each.members(real, case.codec).any()]
        for name, parts in together.items()
    }
    return Split(single={**found}, crossed=crossed, left_out=left_out)


def judged(case: Case) -> dict[str, list[np.ndarray]]:
    """For each attribute and pair: who of the judged holdout patients is in each group."""
    return case.once("judged groups", _judged)


def _judged(case: Case) -> dict[str, list[np.ndarray]]:
    tokens = tasks(case).judged
    return {
        attribute: [each.members(tokens, case.codec) for each in parts]
        for attribute, parts in split(case).all.items()
    }


def share_rows(case: Case) -> list[Row]:
    """Each group's share of patients; of an intersection only if enough patients are in it."""
    metric, rows = METRICS["group_share"], []
    sizes = {field.name: field.size for field in case.codec.static}
    sides = (case.synthetic.tokens, case.holdout.tokens)
    for group in (each for parts in split(case).all.values() for each in parts):
        value, real = (metric.measure(group.members(each, case.codec)) for each in sides)
        crossed = isinstance(group, Intersection)
        held = int(group.members(case.holdout.tokens, case.codec).sum())
        if crossed and few_patients(held):
            value = not_assessable(few_patients(held), held)
        singles = group.parts if isinstance(group, Intersection) else (group,)
        guess = float(np.prod([len(each.codes) / sizes[each.attribute] for each in singles]))
        control = Estimate(guess, guess, guess, 0)
        rows.append(row("group_share", "bias", metric, value, real, control, group=group.name))
    return rows


def group_rows(case: Case) -> list[Row]:
    """How models rank per group: from the copy, from real data, and the control."""
    rows: list[Row] = []
    models, seed = predictions(case), case.seed
    synthetic, real, control = models
    auc, loss = METRICS["group_auc"], METRICS["auc_loss"]
    everyone = np.ones(real.patients, dtype=bool)
    of_copy, of_real = refits(case)
    sides: tuple[tuple[Predicted, Again], ...]
    sides = ((synthetic, (of_real, of_copy)), (control, (of_real, [])))
    overall = loss.measure(real, synthetic, everyone, again=sides[0][1], seed=seed)
    lost: dict[str, tuple[Estimate, Estimate]] = {}
    for attribute, parts in split(case).all.items():
        for group, inside in zip(parts, judged(case)[attribute], strict=True):
            aucs = [auc.measure(model, inside, seed=seed) for model in models]
            by_copy, by_control = (
                loss.measure(real, model, inside, again=again, seed=seed) for model, again in sides
            )
            lost[group.name] = by_copy, by_control
            rows += [
                row("group_auc", "bias", auc, *aucs, group=group.name),
                row("auc_loss", "bias", loss, by_copy, overall, by_control, group=group.name),
            ]
        for name in ("auc_gap", "tpr_gap", "selection_gap"):
            gap = METRICS[name]
            gaps = [gap.measure(model, judged(case)[attribute], seed=seed) for model in models]
            rows.append(row(name, "bias", gap, *gaps, group=attribute))
    return rows + shrunk_rows(lost, overall)


def shrunk_rows(lost: dict[str, tuple[Estimate, Estimate]], overall: Estimate) -> list[Row]:
    """The losses of all groups, small ones pulled towards everyone's."""
    (name, metric), *_ = SHRUNK.items()
    pulled = metric.measure([by_copy for by_copy, _ in lost.values()], overall)
    return [
        row(name, "bias", metric, value, overall, by_control, group=group)
        for (group, (_, by_control)), value in zip(lost.items(), pulled, strict=True)
    ]


def rate_rows(case: Case) -> list[Row]:
    """Whom models call positive per group, rightly or not."""
    rows: list[Row] = []
    measure = next(iter(RATES.values())).measure
    for attribute, parts in split(case).all.items():
        insides = judged(case)[attribute]
        models = [measure(model, insides, seed=case.seed) for model in predictions(case)]
        for group, rates in zip(parts, zip(*models, strict=True), strict=True):
            rows += [
                row(name, "bias", metric, *(each[name] for each in rates), group=group.name)
                for name, metric in RATES.items()
            ]
    return rows
