"""Does the copy leak? Adding an attack: one file, one test, one line here.

What real data score is never 0 by itself: each attack is held against patients who were
certainly not trained on, and against a plain copy of the training patients.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

import numpy as np

from dpsynth.evaluation.estimate import Estimate
from dpsynth.evaluation.leakage.anonymeter import risk
from dpsynth.evaluation.leakage.black_box import black_box_epsilon
from dpsynth.evaluation.leakage.closest import dcr_share
from dpsynth.evaluation.leakage.copies import copy_rate
from dpsynth.evaluation.leakage.density_ratio import ratio_attack
from dpsynth.evaluation.leakage.inference import attribute_inference
from dpsynth.evaluation.leakage.inversion import inversion
from dpsynth.evaluation.leakage.membership import (
    FALSE_ALARMS,
    Attack,
    membership_auc,
    membership_tpr,
)
from dpsynth.evaluation.leakage.moved_pictures import near_ratio_moved, picture_copies
from dpsynth.evaluation.leakage.near_copies import RATE, near_copy_rate
from dpsynth.evaluation.leakage.near_pictures import Nearness, near_ratio
from dpsynth.evaluation.leakage.nearest import Distances, nearest_attack
from dpsynth.evaluation.leakage.views import as_features
from dpsynth.evaluation.metric import Metric
from dpsynth.evaluation.shown import Shown

FRESH = "fresh real patients in place of the copy"
PLAIN_COPY = "a plain copy of the training patients"


class OnAttack(Protocol):
    """A measure of a membership attack."""

    def __call__(self, made: Attack, *, seed: int = 0) -> Estimate:
        """Judge the attack."""


class OnCoins(Protocol):
    """A measure of an attack on patients whose membership fair coins decided."""

    def __call__(self, made: Attack, *, delta: float) -> Estimate:
        """Judge the attack."""


class OnNearness(Protocol):
    """A measure of whether pictures lie near those trained on."""

    def __call__(
        self, synthetic: Shown, members: Shown, outsiders: Shown, *, seed: int = 0
    ) -> Estimate:
        """Judge the copy's pictures."""


class OnDistances(Protocol):
    """A measure of distances from pictures to those trained on, and to others."""

    def __call__(self, made: Nearness, *, seed: int = 0) -> Estimate:
        """Judge the copy's pictures."""


class OnSecret(Protocol):
    """A measure of whether a secret is guessed."""

    def __call__(self, members: np.ndarray, outsiders: np.ndarray, *, seed: int = 0) -> Estimate:
        """Compare trained-on patients with others."""


def _auc(by: str) -> Metric[OnAttack]:
    return Metric(
        measure=membership_auc,
        title=f"Recognising who was trained on{by} (AUC)",
        scale="0.5: chance; 1: always recognised",
        better="lower",
        real=FRESH,
        control=PLAIN_COPY,
    )


def _tpr(rate: float, by: str) -> Metric[OnAttack]:
    return Metric(
        measure=partial(membership_tpr, rate=rate),
        title=f"Recognised surely{by}, at {100 * rate:g} % false accusations",
        scale=f"{rate:g}: chance; 1: everyone recognised",
        better="lower",
        real=FRESH,
        control=PLAIN_COPY,
    )


ATTACKS: dict[str, Callable[[Distances], Attack]] = {
    "nearest": nearest_attack,
    "ratio": ratio_attack,
}

OTHERS = ", with other patients at hand"

ON: dict[str, dict[str, Metric[OnAttack]]] = {
    "nearest": {
        "membership_auc": _auc(""),
        "membership_tpr_at_0.001": _tpr(0.001, ""),
        "membership_tpr": _tpr(FALSE_ALARMS, ""),
        "membership_tpr_at_0.1": _tpr(0.1, ""),
    },
    "ratio": {
        "ratio_auc": _auc(OTHERS),
        "ratio_tpr_at_0.001": _tpr(0.001, OTHERS),
        "ratio_tpr": _tpr(FALSE_ALARMS, OTHERS),
        "ratio_tpr_at_0.1": _tpr(0.1, OTHERS),
    },
}

METRICS: dict[str, Metric[OnAttack]] = {**ON["nearest"], **ON["ratio"]}

CHANCE = {
    "membership_auc": 0.5,
    "picture_copies": 0.0,
    "membership_tpr_at_0.001": 0.001,
    "membership_tpr": FALSE_ALARMS,
    "membership_tpr_at_0.1": 0.1,
    "ratio_auc": 0.5,
    "ratio_tpr_at_0.001": 0.001,
    "ratio_tpr": FALSE_ALARMS,
    "ratio_tpr_at_0.1": 0.1,
    "attribute_inference": 0.0,
    "black_box_epsilon": 0.0,
}  # what an attacker reaches who knows nothing, where that is a number

SECRETS: dict[str, Metric[OnSecret]] = {
    "attribute_inference": Metric(
        measure=attribute_inference,
        title="Secret guessed more often of trained-on patients",
        scale="0: no more often than of others; 1: always, where of others it is not",
        better="lower",
        real=FRESH,
        control=PLAIN_COPY,
    ),
}

BLACK_BOX: dict[str, Metric[OnCoins]] = {
    "black_box_epsilon": Metric(
        measure=black_box_epsilon,
        title="Epsilon proved from the copy alone (a weak audit)",
        scale="0: nothing proved; above the claimed epsilon: the claim is broken",
        better="lower",
        real="members drawn at random",
        control=PLAIN_COPY,
    ),
}

COPIES = {
    "copy_rate": Metric(
        measure=copy_rate,
        title="Synthetic patients equal to a trained-on one",
        scale="0: nobody; 1: everybody",
        better="lower",
        real="equal to a holdout patient, by coincidence",
        control=PLAIN_COPY,
    ),
}

NEAR = {
    "near_copy_rate": Metric(
        measure=near_copy_rate,
        title="Synthetic patients who nearly equal a trained-on one",
        scale=f"{RATE:g}, or one of all held-out: nobody by more than chance; 1: everybody",
        better="lower",
        real=FRESH,
        control=PLAIN_COPY,
    ),
}

LEGACY = {
    "dcr_share": Metric(
        measure=dcr_share,
        title="Legacy, says nothing about privacy: nearer to training than to held-out patients",
        scale="0.5: neither; 1: always nearer to training patients",
        better="match",
        real=FRESH,
        control=PLAIN_COPY,
    ),
}

ANONYMETER = {
    name: Metric(
        measure=risk,
        title=title,
        scale="0: no more often than of others; 1: always, where of others never",
        better="lower",
        real=FRESH,
        control=PLAIN_COPY,
    )
    for name, title in {
        "anonymeter_singling_out": "Singled out more often if trained on (anonymeter)",
        "anonymeter_linkability": "Parts of a record linked more often if trained on (anonymeter)",
        "anonymeter_inference": "Inferred more often if trained on (anonymeter)",
    }.items()
}

PICTURES: dict[str, Metric[OnNearness]] = {
    "near_ratio": Metric(
        measure=near_ratio,
        title="Pictures near trained-on ones, against others",
        scale="1: not nearer; 0: every picture is a copy",
        better="higher",
        real=FRESH,
        control=PLAIN_COPY,
    ),
}

SEEN_PICTURES: dict[str, Metric[OnNearness]] = {
    "near_ratio_features": Metric(
        measure=partial(near_ratio, views=as_features),
        title="Pictures near trained-on ones, in what a network sees",
        scale="1: not nearer; 0: every picture is a copy",
        better="higher",
        real=FRESH,
        control=PLAIN_COPY,
    ),
}

MOVED_PICTURES: dict[str, Metric[OnDistances]] = {
    "near_ratio_moved": Metric(
        measure=near_ratio_moved,
        title="Pictures near trained-on ones, flipped and shifted",
        scale="1: not nearer; 0: every picture is a copy, or one flipped or shifted",
        better="higher",
        real=FRESH,
        control=PLAIN_COPY,
    ),
    "picture_copies": Metric(
        measure=picture_copies,
        title="Synthetic patients with a trained-on picture, flipped or shifted",
        scale="0: nobody; 1: everybody",
        better="lower",
        real=FRESH,
        control=PLAIN_COPY,
    ),
}

# Of pictures with a label.
READERS: dict[str, Metric[OnNearness]] = {
    "inversion": Metric(
        measure=inversion,
        title="What a classifier from the copy shows of the trained-on",
        scale="0: nothing; 1: their mean picture, and nobody else's",
        better="lower",
        real=FRESH,
        control=PLAIN_COPY,
    ),
}

__all__ = [
    "ANONYMETER",
    "ATTACKS",
    "BLACK_BOX",
    "CHANCE",
    "COPIES",
    "FRESH",
    "LEGACY",
    "METRICS",
    "MOVED_PICTURES",
    "NEAR",
    "ON",
    "PICTURES",
    "PLAIN_COPY",
    "READERS",
    "SECRETS",
    "SEEN_PICTURES",
    "Attack",
    "OnAttack",
    "OnCoins",
    "OnDistances",
    "OnSecret",
]
