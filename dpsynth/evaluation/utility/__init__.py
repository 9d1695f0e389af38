"""Is the copy useful? Adding a metric: one file, one test, one line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from dpsynth.evaluation.estimate import Estimate
from dpsynth.evaluation.metric import Metric
from dpsynth.evaluation.utility.calibration import brier
from dpsynth.evaluation.utility.decisions import balanced_accuracy
from dpsynth.evaluation.utility.discrimination import auc
from dpsynth.evaluation.utility.inference import coefficient_overlap, interval_coverage
from dpsynth.evaluation.utility.precision import auprc
from dpsynth.evaluation.utility.predictions import Predicted
from dpsynth.evaluation.utility.ranking import ranking_agreement, regret
from dpsynth.evaluation.utility.recalibration import calibration_intercept, calibration_slope

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

# Other kinds of models than the headline's boosted trees, by the name of their family.
FAMILIES: dict[str, Metric[OnPredictions]] = {
    f"tstr_auc_{family}": Metric(
        measure=auc,
        title=f"Ranking real patients by a {kind} (AUC)",
        scale="0.5: chance; 1: every case before every non-case",
        better="higher",
        real=TRAINED_ON_REAL,
        control=UNINFORMED,
    )
    for family, kind in (
        ("linear", "linear model"),
        ("mlp", "small network"),
        ("gru", "network over visits"),
    )
}

CALIBRATION: dict[str, Metric[OnPredictions]] = {
    "tstr_calibration_slope": Metric(
        measure=calibration_slope,
        title="Spread of predicted chances (calibration slope)",
        scale="1: right; below: too extreme; above: too timid",
        better="match",
        real=TRAINED_ON_REAL,
        control="chances that say nothing",
    ),
    "tstr_calibration_intercept": Metric(
        measure=calibration_intercept,
        title="Height of predicted chances (calibration intercept, log odds)",
        scale="0: right on average; below: too high; above: too low",
        better="match",
        real=TRAINED_ON_REAL,
        control="always predicting one half",
    ),
}

TRANSFER: dict[str, Metric[OnPredictions]] = {
    "trts_auc": Metric(
        measure=auc,
        title="Ranking the copy's patients by a model from real ones (AUC)",
        scale="as among real patients; higher: the copy is easier than they are",
        better="match",
        real="the same model among real holdout patients",
        control=UNINFORMED,
    ),
    "augmented_auc": Metric(
        measure=auc,
        title="Ranking real patients, trained on real ones and the copy (AUC)",
        scale="0.5: chance; above the real reference: the copy adds something",
        better="higher",
        real="the same model trained on real patients only",
        control="real patients and a copy whose labels are dealt at random",
    ),
}

# Their arguments differ: see `steps.models`.
CONTEST: dict[str, Metric[Callable[..., Estimate]]] = {
    "ranking_agreement": Metric(
        measure=ranking_agreement,
        title="Order of models, trained on the copy and on real patients (Kendall's tau)",
        scale="1: the same order; 0: as if shuffled; -1: turned round",
        better="higher",
        real="real patients among themselves",
        control="a shuffled order",
    ),
    "regret": Metric(
        measure=regret,
        title="AUC lost by picking the model that does best on the copy",
        scale="0: the best was picked",
        better="lower",
        real="picking on real training patients",
        control="picking at random",
    ),
}

INFERENCE: dict[str, Metric[Callable[..., Estimate]]] = {
    "coefficient_overlap": Metric(
        measure=coefficient_overlap,
        title="Overlap of intervals of regression coefficients",
        scale="1: the same intervals; 0: none overlap",
        better="higher",
        real="training patients, as many",
        control="real patients with shuffled labels",
    ),
    "interval_coverage": Metric(
        measure=interval_coverage,
        title="Real regression coefficients inside the copy's intervals",
        scale="1: all; 0: none",
        better="higher",
        real="training patients, as many",
        control="real patients with shuffled labels",
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
