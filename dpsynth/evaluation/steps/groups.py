"""The rows about subgroups: who is in the copy, and whom its models serve worse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.evaluation.bias import METRICS
from dpsynth.evaluation.bias.groups import Group, groups
from dpsynth.evaluation.case import Case, Step
from dpsynth.evaluation.estimate import Estimate
from dpsynth.evaluation.evaluation import Row, row
from dpsynth.evaluation.steps.prediction import predictions, tasks
from dpsynth.evaluation.utility.boosting import Predicted
from dpsynth.schema import Label


def steps(case: Case) -> Iterator[Step]:
    """Shares, and what models do per group if there is a label."""
    label, real, made = case.schema.label, case.holdout.tokens, case.synthetic.tokens
    yield "shares of groups", lambda: share_rows(real, made, case.codec, label)
    if label is not None:
        yield (
            "groups",
            lambda: group_rows(tasks(case).judged, case.codec, label, predictions(case), case.seed),
        )


def remarks(case: Case) -> list[str]:
    """That there are no groups."""
    if any(each.column.sensitive for each in case.codec.static):
        return []
    return ["the schema names no sensitive per-patient column, so no groups are compared"]


def kept_groups(real: Tokens, codec: Codec, label: Label | None) -> dict[str, list[Group]]:
    """Groups of sensitive attributes, but for the label, that hold a real patient."""
    found = groups(real, codec)
    return {
        attribute: [each for each in parts if each.members(real, codec).any()]
        for attribute, parts in found.items()
        if label is None or attribute != label.column
    }


def share_rows(holdout: Tokens, synthetic: Tokens, codec: Codec, label: Label | None) -> list[Row]:
    """Each group's share of patients."""
    metric, rows = METRICS["group_share"], []
    sizes = {field.name: field.size for field in codec.static}
    for attribute, parts in kept_groups(holdout, codec, label).items():
        for group in parts:
            guess = len(group.codes) / sizes[attribute]
            value, real = (
                metric.measure(group.members(each, codec)) for each in (synthetic, holdout)
            )
            control = Estimate(guess, guess, guess, 0)
            rows.append(row("group_share", "bias", metric, value, real, control, group=group.name))
    return rows


def group_rows(
    holdout: Tokens,
    codec: Codec,
    label: Label,
    models: Sequence[Predicted],
    seed: int,
) -> list[Row]:
    """How models do per group; `models` are from the copy, real data and the control."""
    rows: list[Row] = []
    everyone = np.ones(len(holdout), dtype=bool)
    synthetic, real, control = models
    auc, loss, gap = (METRICS[name] for name in ("group_auc", "auc_loss", "auc_gap"))
    overall = loss.measure(real, synthetic, everyone, seed=seed)
    for attribute, parts in kept_groups(holdout, codec, label).items():
        insides = [group.members(holdout, codec) for group in parts]
        for group, inside in zip(parts, insides, strict=True):
            aucs = [auc.measure(model, inside, seed=seed) for model in models]
            lost = [loss.measure(real, m, inside, seed=seed) for m in (synthetic, control)]
            rows += [
                row("group_auc", "bias", auc, *aucs, group=group.name),
                row("auc_loss", "bias", loss, lost[0], overall, lost[1], group=group.name),
            ]
        gaps = [gap.measure(model, insides, seed=seed) for model in models]
        rows.append(row("auc_gap", "bias", gap, *gaps, group=attribute))
    return rows
