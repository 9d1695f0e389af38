"""The rows of some metrics only: what a report would say of them, without the rest of it."""

from __future__ import annotations

from collections.abc import Collection

from dpsynth.evaluation import bias, fidelity, leakage, utility
from dpsynth.evaluation.case import Case
from dpsynth.evaluation.evaluation import Row
from dpsynth.evaluation.steps import PARTS

# Steps with several metrics; every other step is named as its metric.
STEPS: dict[str, Collection[str]] = {
    "neighbours": fidelity.NEIGHBOURS,
    "prediction": utility.METRICS,
    "calibration": {**utility.CALIBRATION, **utility.TRANSFER},
    "kinds of models": utility.FAMILIES,
    "order of models": utility.CONTEST,
    "conclusions": utility.INFERENCE,
    "shares of groups": ["group_share"],
    "groups": ["group_auc", "auc_loss", *bias.SHRUNK, "auc_gap", "tpr_gap", "selection_gap"],
    "decisions about groups": bias.RATES,
    "gaps added": bias.ADDED,
    "gaps added by privacy": bias.SPLIT,
    "gaps by chance": bias.TESTED,
    "bias amplified": ["bias_amplification"],
    "copies": leakage.COPIES,
    "membership": leakage.METRICS,
    "secrets": leakage.SECRETS,
    "likeness within groups": ["group_tv1"],
    "leakage within groups": ["group_membership_auc"],
    "near copies": {**leakage.NEAR, **leakage.LEGACY},
    "anonymeter": leakage.ANONYMETER,
    "pictures": {
        **fidelity.PICTURES, **fidelity.LOOKS, **utility.PICTURES, **leakage.PICTURES,
        **leakage.SEEN_PICTURES, **leakage.MOVED_PICTURES, **leakage.READERS,
    },
    "looks of pictures": {**fidelity.MANIFOLD, **fidelity.VARIETY, **bias.CLASSES},
}  # fmt: skip


TABLES = (
    fidelity.METRICS, fidelity.RECORDS, fidelity.NEIGHBOURS, fidelity.CHANGE, fidelity.UNSEEN,
    fidelity.CODES, fidelity.TIMING, fidelity.SURVIVAL, fidelity.RULES, fidelity.PICTURES,
    fidelity.LOOKS, fidelity.MANIFOLD, fidelity.VARIETY,
    utility.METRICS, utility.FAMILIES, utility.CALIBRATION, utility.TRANSFER, utility.CONTEST,
    utility.INFERENCE, utility.PICTURES,
    bias.METRICS, bias.RATES, bias.SHRUNK, bias.TESTED, bias.ADDED, bias.SPLIT, bias.CLASSES,
    leakage.METRICS, leakage.SECRETS, leakage.COPIES, leakage.NEAR, leakage.LEGACY,
    leakage.ANONYMETER, leakage.PICTURES, leakage.SEEN_PICTURES, leakage.MOVED_PICTURES,
    leakage.READERS,
)  # fmt: skip
ALL = {name: metric for table in TABLES for name, metric in table.items()}
# They make no claim against chance, or by the measure of a metric that is there: `tstr_auc`.
SLOW = {*utility.FAMILIES, *utility.CONTEST, *leakage.ANONYMETER}


def quick() -> set[str]:
    """Every metric but SLOW."""
    return set(ALL) - SLOW


def rows_of(
    case: Case, metrics: Collection[str], only: Collection[str] | None = None
) -> dict[tuple[str, str | None], Row]:
    """Rows by metric and group, of the steps that have any of the metrics.

    Args:
        case: the data sets.
        metrics: that are looked for.
        only: names of the steps that may be run; all unless given.
    """
    found = {}
    for part in PARTS:
        for name, step in part.steps(case):
            wanted = set(STEPS.get(name, [name])) & set(metrics)
            if wanted and (only is None or name in only):
                found.update({(row.metric, row.group): row for row in step()})
    return found
