"""What a shareable report leaves out, by name, and why: the whole list, whatever was measured.

Which rows an evaluation has follows from real patients, so the list is that of all there may be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dpsynth.evaluation import bias, fidelity, leakage, utility
from dpsynth.evaluation.metric import Metric

TABLES: dict[str, tuple[Mapping[str, Metric[Any]], ...]] = {
    "fidelity": (
        fidelity.METRICS,
        fidelity.RECORDS,
        fidelity.NEIGHBOURS,
        fidelity.CHANGE,
        fidelity.UNSEEN,
        fidelity.CODES,
        fidelity.TIMING,
        fidelity.SURVIVAL,
        fidelity.RULES,
        fidelity.PICTURES,
        fidelity.LOOKS,
        fidelity.MANIFOLD,
        fidelity.VARIETY,
    ),
    "utility": (
        utility.METRICS,
        utility.FAMILIES,
        utility.CALIBRATION,
        utility.TRANSFER,
        utility.CONTEST,
        utility.INFERENCE,
        utility.PICTURES,
    ),
    "bias": (
        bias.METRICS,
        bias.RATES,
        bias.SHRUNK,
        bias.TESTED,
        bias.ADDED,
        bias.SPLIT,
        bias.CLASSES,
    ),
    "leakage": (
        leakage.METRICS,
        leakage.SECRETS,
        leakage.BLACK_BOX,
        leakage.COPIES,
        leakage.NEAR,
        leakage.LEGACY,
        leakage.ANONYMETER,
        leakage.PICTURES,
        leakage.SEEN_PICTURES,
        leakage.MOVED_PICTURES,
        leakage.READERS,
    ),
}
WHY = {
    "fidelity": "compares the copy with real patients",
    "utility": "trains or judges models on real patients",
    "bias": "judges models on real patients of each group, or counts them",
    "leakage": "attacks real patients, trained on and not",
}
OTHERS = (
    ("verdicts", "The verdicts", "they follow from measures on real patients"),
    ("train, holdout", "Numbers of real patients", "they count real patients"),
    ("figures", "The real side of every figure, and curves of models and attacks",
     "they show or judge real patients"),
    ("notes, seconds", "Notes on the data, and how long it took", "they depend on real patients"),
)  # fmt: skip


@dataclass(frozen=True)
class LeftOut:
    """One thing that only the internal report holds.

    Attributes:
        name: in the internal report's JSON.
        title: for the reader.
        family: of a measure, else empty.
        why: it is not here.
    """

    name: str
    title: str
    family: str
    why: str


def left_out() -> tuple[LeftOut, ...]:
    """Every measure there is, and the rest of an internal report."""
    measures = (
        LeftOut(name, metric.title, family, WHY[family])
        for family, tables in TABLES.items()
        for table in tables
        for name, metric in table.items()
    )
    return (*measures, *(LeftOut(name, title, "", why) for name, title, why in OTHERS))
