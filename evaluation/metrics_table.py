"""The table of all metrics of the evaluation: who computes them, and who saw what was planted."""

from __future__ import annotations

from typing import Any

from dpsynth.evaluation import bias, fidelity, leakage, utility
from dpsynth.evaluation.left_out import TABLES
from dpsynth.evaluation.metric import Metric

HEAD = (
    "Every metric of the evaluation: whose code computes it, what the copy should reach, what it "
    "should leave behind, which plants it was meant to find (yes: in every trial), and its rate of "
    "false alarms. Sources stand in each metric's docstring."
)
BOOSTED = "scikit-learn's boosted trees; ours"
# Whose code computes a metric, besides numpy and scipy; every other is ours.
LIBRARIES: dict[str, str] = {
    **dict.fromkeys(["c2st_auc", "c2st_p"], BOOSTED),
    **dict.fromkeys(fidelity.NEIGHBOURS, "scikit-learn's distances; ours"),
    **dict.fromkeys(["kid", "frechet", "class_kid"], "torchmetrics, on our features"),
    "survival_distance": "scikit-survival's curves; ours",
    **dict.fromkeys([*utility.METRICS, *utility.CALIBRATION, *utility.TRANSFER], BOOSTED),
    "tstr_auc_linear": "scikit-learn's logistic regression; ours",
    "tstr_auc_mlp": "scikit-learn's network; ours",
    "tstr_auc_gru": "torch; ours",
    **dict.fromkeys(utility.CONTEST, "scikit-learn, torch; ours"),
    **dict.fromkeys(utility.INFERENCE, "statsmodels; ours"),
    **dict.fromkeys(["picture_tstr_auc", "inversion"], "scikit-learn's logistic regression; ours"),
    **dict.fromkeys(["group_auc", "auc_loss", "auc_gap", *bias.SHRUNK, *bias.TESTED], BOOSTED),
    **dict.fromkeys(["tpr_gap", "selection_gap", *bias.ADDED, *bias.SPLIT], BOOSTED),
    **dict.fromkeys(bias.RATES, "fairlearn, on boosted trees"),
    **dict.fromkeys(leakage.ANONYMETER, "anonymeter"),
}


def metrics() -> dict[str, tuple[str, Metric[Any]]]:
    """Every metric of every family's tables, with the family."""
    return {
        name: (family, metric)
        for family, tables in TABLES.items()
        for table in tables
        for name, metric in table.items()
    }


def text(rows: list[dict[str, Any]]) -> str:
    """The table, as Markdown.

    Args:
        rows: of `planted-faults/results.json`.
    """
    lines = [
        "| metric | of | computed by | reference | control | planted: seen in "
        "all trials | false alarms |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, (family, metric) in metrics().items():
        mine = [row for row in rows if row["model"] == name]
        cells = [
            f"`{name}`", family, LIBRARIES.get(name, "ours"), metric.real, metric.control,
            _plants(mine), _alarms(mine),
        ]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _plants(rows: list[dict[str, Any]]) -> str:
    said = [
        f"{row['group']}: {'yes' if row['value'] else 'NO'}"
        for row in rows
        if row["metric"] == "detected"
    ]
    return "; ".join(said) or "-"


def _alarms(rows: list[dict[str, Any]]) -> str:
    known = [r for r in rows if r["metric"] == "false_alarm_rate" and "group" not in r]
    if not known:
        return "-"
    return "{value:.3f} [{low:.3f}, {high:.3f}]".format(**known[0])
