"""For whom is the copy worse? Adding a metric: one file, one test, one line here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from dpsynth.evaluation.bias.amplification import bias_amplification
from dpsynth.evaluation.bias.by_group import group_membership_auc, group_tv1
from dpsynth.evaluation.bias.discrimination import auc_loss, group_auc
from dpsynth.evaluation.bias.gaps import gap, gap_added
from dpsynth.evaluation.bias.rates import group_rates
from dpsynth.evaluation.bias.representation import group_share
from dpsynth.evaluation.bias.shrinkage import shrunk
from dpsynth.evaluation.bias.worst_gap import worst_gap
from dpsynth.evaluation.estimate import Estimate
from dpsynth.evaluation.fidelity import OTHERS
from dpsynth.evaluation.fidelity.kid import features_kid
from dpsynth.evaluation.leakage import FRESH, PLAIN_COPY
from dpsynth.evaluation.metric import Metric
from dpsynth.evaluation.utility import TRAINED_ON_REAL, UNINFORMED

GUESS = "a guess from the schema alone"
RETRAINED = "the same model trained on a resample of the real patients"
RANDOM_GROUPS = "groups drawn at random (95 % have less)"

# Their arguments differ (one group, two models, all groups): see `steps.groups`.
METRICS: dict[str, Metric[Callable[..., Estimate]]] = {
    "group_share": Metric(
        measure=group_share,
        title="Share of patients",
        scale="as in the real data",
        better="match",
        real="real holdout patients",
        control=GUESS,
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
        measure=partial(gap, kind="auc"),
        title="Best minus worst group (AUC)",
        scale="0: all groups alike",
        better="lower",
        real=TRAINED_ON_REAL,
        control=UNINFORMED,
    ),
    "tpr_gap": Metric(
        measure=partial(gap, kind="tpr"),
        title="Best minus worst group (share of cases called positive)",
        scale="0: equal opportunity",
        better="lower",
        real=TRAINED_ON_REAL,
        control=UNINFORMED,
    ),
    "selection_gap": Metric(
        measure=partial(gap, kind="selection"),
        title="Most minus least often called positive group",
        scale="0: demographic parity",
        better="lower",
        real=TRAINED_ON_REAL,
        control=UNINFORMED,
    ),
    "group_tv1": Metric(
        measure=group_tv1,
        title="Histograms of columns within the group",
        scale="0: all equal; 1: nothing in common",
        better="lower",
        real="other real patients of the group",
        control=GUESS,
    ),
    "group_membership_auc": Metric(
        measure=group_membership_auc,
        title="Recognising who of the group was trained on (AUC)",
        scale="0.5: chance; 1: always recognised",
        better="lower",
        real=FRESH,
        control=PLAIN_COPY,
    ),
    "bias_amplification": Metric(
        measure=bias_amplification,
        title="Label tied to the attribute more tightly than in reality",
        scale="0: as in reality; above: amplified; below: washed out",
        better="match",
        real="real holdout patients",
        control="the attribute dealt out at random",
    ),
}

# All rates of all groups of an attribute at once: a list of estimates by name.
RATES: dict[str, Metric[Callable[..., Any]]] = {
    name: Metric(
        measure=group_rates,
        title=title,
        scale=scale,
        better="match",
        real=TRAINED_ON_REAL,
        control=UNINFORMED,
    )
    for name, title, scale in (
        ("group_selection_rate", "Called positive", "0: nobody; 1: everybody"),
        ("group_tpr", "Cases called positive", "0: none; 1: every case"),
        ("group_fpr", "Non-cases called positive", "0: none; 1: every non-case"),
        ("group_calibration", "Mean predicted chance minus outcome", "0: right; above: too high"),
    )
}

SHRUNK: dict[str, Metric[Callable[..., Any]]] = {
    "auc_loss_shrunk": Metric(
        measure=shrunk,
        title="AUC lost, small groups pulled towards everyone",
        scale="0: nothing lost; 0.5: from perfect to chance",
        better="lower",
        real="everyone together",
        control=UNINFORMED,
    ),
}

# One test gives both rows.
TESTED: dict[str, Metric[Callable[..., Any]]] = {
    "worst_gap": Metric(
        measure=worst_gap,
        title="Best minus worst group (AUC), beside chance",
        scale="0: all groups alike",
        better="lower",
        real=RANDOM_GROUPS,
        control="one group ranked rightly, another wrongly",
    ),
    "worst_gap_p": Metric(
        measure=worst_gap,
        title="How often chance gives such a gap (p-value)",
        scale="0.05 or less: hardly by chance",
        better="higher",
        real=TRAINED_ON_REAL,
        control=UNINFORMED,
    ),
}

ADDED: dict[str, Metric[Callable[..., Estimate]]] = {
    f"{kind}_gap_added": Metric(
        measure=partial(gap_added, kind=kind),
        title=f"Gap between groups that the copy adds ({word})",
        scale="0: none; below 0: groups moved closer",
        better="lower",
        real=RETRAINED,
        control=UNINFORMED,
    )
    for kind, word in (("auc", "AUC"), ("tpr", "equal opportunity"), ("selection", "parity"))
}

# Only where there is a copy by the same model without noise.
SPLIT: dict[str, Metric[Callable[..., Estimate]]] = {
    "gap_already_there": Metric(
        measure=partial(gap, kind="auc"),
        title="Gap between groups that was there (AUC)",
        scale="0: all groups alike",
        better="lower",
        real=RETRAINED,
        control=UNINFORMED,
    ),
    "gap_by_generator": Metric(
        measure=partial(gap_added, kind="auc"),
        title="Gap between groups that the generator adds (AUC)",
        scale="0: none; below 0: groups moved closer",
        better="lower",
        real=RETRAINED,
        control=UNINFORMED,
    ),
    "gap_by_privacy": Metric(
        measure=partial(gap_added, kind="auc"),
        title="Gap between groups that privacy adds (AUC)",
        scale="0: none; below 0: groups moved closer",
        better="lower",
        real=RETRAINED,
        control=UNINFORMED,
    ),
}

# Groups are the classes of the label, of pictures.
CLASSES: dict[str, Metric[Callable[..., Estimate]]] = {
    "class_kid": Metric(
        measure=features_kid,
        title="Looks of the pictures of a class",
        scale="0: spread alike; features of our own network, no other's",
        better="lower",
        real=OTHERS,
        control="real pictures of the other classes",
    ),
}
