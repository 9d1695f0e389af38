"""Is the copy useful? Adding a metric: one file, one test, one line here."""

from __future__ import annotations

from typing import Protocol

from dpsynth.evaluation.estimate import Estimate
from dpsynth.evaluation.metric import Metric
from dpsynth.evaluation.utility.boosting import Predicted
from dpsynth.evaluation.utility.calibration import brier
from dpsynth.evaluation.utility.decisions import balanced_accuracy
from dpsynth.evaluation.utility.discrimination import auc
from dpsynth.evaluation.utility.precision import auprc

TRAINED_ON_REAL = "the same model trained on real patients"
UNINFORMED = "always predicting the share of cases"


class OnPredictions(Protocol):
    """A measure of predictions for real holdout patients."""

    def __call__(self, predicted: Predicted, *, seed: int = 0) -> Estimate:
        """Judge the predictions."""


METRICS: dict[str, Metric[OnPredictions]] = {
    "tstr_auc": Metric(
        measure=auc,
        title="Ranking real patients (AUC)",
        scale="0.5: chance; 1: every case before every non-case",
        better="higher",
        real=TRAINED_ON_REAL,
        control=UNINFORMED,
    ),
    "tstr_auprc": Metric(
        measure=auprc,
        title="Precision among those named first (AUPRC)",
        scale="the share of cases: chance; 1: all cases first",
        better="higher",
        real=TRAINED_ON_REAL,
        control=UNINFORMED,
    ),
    "tstr_brier": Metric(
        measure=brier,
        title="Error of predicted chances (Brier)",
        scale="0: certain and right; 1: certain and wrong",
        better="lower",
        real=TRAINED_ON_REAL,
        control=UNINFORMED,
    ),
    "tstr_balanced_accuracy": Metric(
        measure=balanced_accuracy,
        title="Right decisions (balanced accuracy)",
        scale="0.5: chance; 1: every decision right",
        better="higher",
        real=TRAINED_ON_REAL,
        control=UNINFORMED,
    ),
}

PICTURES: dict[str, Metric[OnPredictions]] = {
    "picture_tstr_auc": Metric(
        measure=auc,
        title="Reading real pictures (AUC)",
        scale="0.5: chance; 1: every case before every non-case",
        better="higher",
        real="the same classifier trained on real pictures",
        control=UNINFORMED,
    ),
}
