"""For whom is the copy worse? Adding a metric: one file, one test, one line here."""

from __future__ import annotations

from collections.abc import Callable

from dpsynth.evaluation.bias.discrimination import auc_gap, auc_loss, group_auc
from dpsynth.evaluation.bias.representation import group_share
from dpsynth.evaluation.estimate import Estimate
from dpsynth.evaluation.metric import Metric
from dpsynth.evaluation.utility import TRAINED_ON_REAL, UNINFORMED

# Their arguments differ (one group, two models, all groups): see `steps.groups`.
METRICS: dict[str, Metric[Callable[..., Estimate]]] = {
    "group_share": Metric(
        measure=group_share,
        title="Share of patients",
        scale="as in the real data",
        better="match",
        real="real holdout patients",
        control="a guess from the schema alone",
    ),
    "group_auc": Metric(
        measure=group_auc,
        title="Ranking within the group (AUC)",
        scale="0.5: chance; 1: every case before every non-case",
        better="higher",
        real=TRAINED_ON_REAL,
        control=UNINFORMED,
    ),
    "auc_loss": Metric(
        measure=auc_loss,
        title="AUC lost by training on the copy",
        scale="0: nothing lost; 0.5: from perfect to chance",
        better="lower",
        real="everyone together",
        control=UNINFORMED,
    ),
    "auc_gap": Metric(
        measure=auc_gap,
        title="Best minus worst group (AUC)",
        scale="0: all groups alike",
        better="lower",
        real=TRAINED_ON_REAL,
        control=UNINFORMED,
    ),
}
