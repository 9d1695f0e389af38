"""The rows of some metrics only: what a report would say of them, without the rest of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from metrics_table import metrics

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
    "black-box audit": leakage.BLACK_BOX,
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

# They make no claim against chance, or by the measure of a metric that is there: `tstr_auc`.
SLOW = {*utility.FAMILIES, *utility.CONTEST, *leakage.ANONYMETER}


def quick() -> set[str]:
    """Every metric but SLOW."""
    return set(metrics()) - SLOW


@dataclass(frozen=True)
class Looked:
    """A case whose steps are run once, when one of their metrics is asked for.

    Attributes:
        case: the data sets.
        only: names of the steps that may be run; all if empty.
    """

    case: Case
    only: tuple[str, ...] = ()
    _rows: dict[str, list[Row]] = field(default_factory=dict)

    def rows(self, wanted: Collection[str]) -> dict[tuple[str, str | None], Row]:
        """Rows by metric and group, of the steps that have any of the metrics."""
        found = {}
        for part in PARTS:
            for name, step in part.steps(self.case):
                asked = set(STEPS.get(name, [name])) & set(wanted)
                if not asked or (self.only and name not in self.only):
                    continue
                if name not in self._rows:
                    self._rows[name] = step()
                found.update({(row.metric, row.group): row for row in self._rows[name]})
        return found
