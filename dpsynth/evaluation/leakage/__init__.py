"""Does the copy leak? Adding an attack: one file, one test, one line here.

What real data score is never 0 by itself: each attack is held against patients who were
certainly not trained on, and against a plain copy of the training patients.
"""

from __future__ import annotations

from functools import partial
from typing import Protocol

from dpsynth.evaluation.estimate import Estimate
from dpsynth.evaluation.leakage.copies import copy_rate
from dpsynth.evaluation.leakage.inversion import inversion
from dpsynth.evaluation.leakage.membership import (
    Attack,
    attack,
    membership_auc,
    membership_tpr,
)
from dpsynth.evaluation.leakage.moved_pictures import near_ratio_moved, picture_copies
from dpsynth.evaluation.leakage.near_pictures import Nearness, near_ratio
from dpsynth.evaluation.leakage.views import as_features
from dpsynth.evaluation.metric import Metric
from dpsynth.evaluation.shown import Shown

FRESH = "fresh real patients in place of the copy"
PLAIN_COPY = "a plain copy of the training patients"


class OnAttack(Protocol):
    """A measure of a membership attack."""

    def __call__(self, made: Attack, *, seed: int = 0) -> Estimate:
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


METRICS: dict[str, Metric[OnAttack]] = {
    "membership_auc": Metric(
        measure=membership_auc,
        title="Recognising who was trained on (AUC)",
        scale="0.5: chance; 1: always recognised",
        better="lower",
        real=FRESH,
        control=PLAIN_COPY,
    ),
    "membership_tpr": Metric(
        measure=membership_tpr,
        title="Recognised surely, at 1 % false accusations",
        scale="0.01: chance; 1: everyone recognised",
        better="lower",
        real=FRESH,
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
    "COPIES",
    "FRESH",
    "METRICS",
    "MOVED_PICTURES",
    "PICTURES",
    "PLAIN_COPY",
    "READERS",
    "SEEN_PICTURES",
    "Attack",
    "OnAttack",
    "attack",
]
