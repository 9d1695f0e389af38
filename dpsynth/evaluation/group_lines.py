"""Groups over all measures of bias: the worst first, the rest folded."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dpsynth.evaluation.evaluation import Evaluation, Row

WORST = 5  # groups shown at once


@dataclass(frozen=True)
class GroupLine:
    """One subgroup over all bias metrics."""

    name: str
    share: Row | None
    auc: Row | None
    loss: Row | None

    @property
    def excess(self) -> float:
        """AUC lost beyond everyone's loss; minus infinity where nothing can be said."""
        if self.loss is None or not self.loss.value.assessable or self.loss.value.note:
            return -math.inf
        return self.loss.value.value - self.loss.real.value


@dataclass(frozen=True)
class Grouped:
    """All subgroups.

    Attributes:
        worst: those that lose most beyond everyone, at most WORST.
        single: those by one attribute, in the order of the rows.
        crossed: intersections.
    """

    worst: tuple[GroupLine, ...]
    single: tuple[GroupLine, ...]
    crossed: tuple[GroupLine, ...]


def grouped(evaluation: Evaluation) -> Grouped:
    """The subgroups of an evaluation."""
    lines = group_lines(evaluation)
    names = {line.name for line in lines}
    crossed = [any(line.name.startswith(f"{name}, ") for name in names) for line in lines]
    judged = sorted((each for each in lines if math.isfinite(each.excess)), key=lambda g: -g.excess)
    return Grouped(
        worst=tuple(judged[:WORST]),
        single=tuple(g for g, both in zip(lines, crossed, strict=True) if not both),
        crossed=tuple(g for g, both in zip(lines, crossed, strict=True) if both),
    )


def group_lines(evaluation: Evaluation) -> list[GroupLine]:
    """One line for each subgroup, in the order of the rows."""
    found = dict.fromkeys(
        row.group for row in evaluation.family("bias") if row.group and row.metric == "group_share"
    )
    return [
        GroupLine(
            name,
            evaluation.get("group_share", name),
            evaluation.get("group_auc", name),
            evaluation.get("auc_loss", name),
        )
        for name in found
    ]
