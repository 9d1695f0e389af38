"""Is the copy like the real data? Adding a metric: one file, one test, one line here."""

from __future__ import annotations

from typing import Protocol

from dpsynth.data.codec import Codec, Tokens
from dpsynth.data.records import Records
from dpsynth.evaluation.estimate import Estimate
from dpsynth.evaluation.fidelity.autocorrelation import autocorrelation
from dpsynth.evaluation.fidelity.codes import co_occurrence, prevalence
from dpsynth.evaluation.fidelity.coverage import bin_coverage, category_coverage
from dpsynth.evaluation.fidelity.cross_lag import cross_lag
from dpsynth.evaluation.fidelity.discriminator import c2st_auc
from dpsynth.evaluation.fidelity.gaps import gap_ks, gap_wasserstein
from dpsynth.evaluation.fidelity.lengths import length_tv, length_wasserstein
from dpsynth.evaluation.fidelity.missing import missing_over_time
from dpsynth.evaluation.fidelity.missing_columns import missing_tv
from dpsynth.evaluation.fidelity.neighbours import (
    Neighbours,
    coverage,
    density,
    precision,
    recall,
)
from dpsynth.evaluation.fidelity.one_way import tv1
from dpsynth.evaluation.fidelity.p_value import c2st_p
from dpsynth.evaluation.fidelity.patient_gaps import patient_gap_ks
from dpsynth.evaluation.fidelity.pictures import (
    CLASS_MEANS,
    LOOKS,
    MANIFOLD,
    OTHERS,
    PICTURES,
    RANDOM_SHADES,
    VARIETY,
    OnNeighbourhoods,
    OnPictures,
    OnPixels,
    OnSeen,
)
from dpsynth.evaluation.fidelity.rules import rules_broken
from dpsynth.evaluation.fidelity.survival import survival_distance
from dpsynth.evaluation.fidelity.three_way import tv3
from dpsynth.evaluation.fidelity.transitions import (
    transition_tv,
    transition_tv_2,
    transition_tv_3,
)
from dpsynth.evaluation.fidelity.two_way import tv2
from dpsynth.evaluation.fidelity.unseen import unseen_transitions
from dpsynth.evaluation.metric import Metric
from dpsynth.schema import Schema, Survival

HELD_OUT = "real patients held out"
GUESS = "a guess from the schema alone"
SHUFFLED = "real columns, each shuffled across patients"
TYPICAL = "patients of each column's most frequent value"


class OnTokens(Protocol):
    """A distance between two data sets' tokens."""

    def __call__(self, real: Tokens, other: Tokens, codec: Codec, *, seed: int = 0) -> Estimate:
        """Compare `other` with `real`."""


class OnNeighbours(Protocol):
    """A figure of who lies near whom."""

    def __call__(self, made: Neighbours | None, *, seed: int = 0) -> Estimate:
        """Judge how the other patients lie among real ones."""


class OnRecords(Protocol):
    """A distance between two data sets' values."""

    def __call__(self, real: Records, other: Records, codec: Codec, *, seed: int = 0) -> Estimate:
        """Compare `other` with `real`."""


class OnRules(Protocol):
    """A figure of one data set, held against what the schema says."""

    def __call__(self, records: Records, schema: Schema) -> Estimate:
        """Judge `records`."""


class OnSurvival(Protocol):
    """A distance between two data sets' times until an event."""

    def __call__(
        self, real: Records, other: Records, survival: Survival, *, seed: int = 0
    ) -> Estimate:
        """Compare `other` with `real`."""


METRICS: dict[str, Metric[OnTokens]] = {
    "tv1": Metric(
        measure=tv1,
        title="Single columns",
        scale="0: equal histograms; 1: nothing in common",
        better="lower",
        real=OTHERS,
        control=GUESS,
    ),
    "tv2": Metric(
        measure=tv2,
        title="Pairs of columns",
        scale="0: equal cross-tables; 1: nothing in common",
        better="lower",
        real=OTHERS,
        control=SHUFFLED,
    ),
    "transition_tv": Metric(
        measure=transition_tv,
        title="Change from visit to visit",
        scale="0: the same changes; 1: nothing in common",
        better="lower",
        real=OTHERS,
        control=SHUFFLED,
    ),
    "length_tv": Metric(
        measure=length_tv,
        title="Number of visits",
        scale="0: equal histograms; 1: nothing in common",
        better="lower",
        real=OTHERS,
        control=GUESS,
    ),
    "c2st_auc": Metric(
        measure=c2st_auc,
        title="Told apart by a classifier",
        scale="0.5: can't be told apart; 1: always",
        better="lower",
        real=OTHERS,
        control=SHUFFLED,
    ),
}

RECORDS: dict[str, Metric[OnTokens]] = {
    "tv3": Metric(
        measure=tv3,
        title="Triples of columns",
        scale="0: equal tables of three columns; 1: nothing in common",
        better="lower",
        real=OTHERS,
        control=SHUFFLED,
    ),
    "missing_tv": Metric(
        measure=missing_tv,
        title="Missing values by column",
        scale="0: as many missing in every column; 1: all where none should be",
        better="lower",
        real=OTHERS,
        control=GUESS,
    ),
    "category_coverage": Metric(
        measure=category_coverage,
        title="Categories that occur at all",
        scale="1: every real category of every column; 0: none",
        better="higher",
        real=OTHERS,
        control=TYPICAL,
    ),
    "bin_coverage": Metric(
        measure=bin_coverage,
        title="Ranges of numbers that occur at all",
        scale="1: every bin that real patients reach; 0: none",
        better="higher",
        real=OTHERS,
        control=TYPICAL,
    ),
    "c2st_p": Metric(
        measure=c2st_p,
        title="Told apart by a classifier, could it be chance",
        scale="small: not chance; 0.05 or less for 1 of 20 perfect copies",
        better="match",
        real=OTHERS,
        control=SHUFFLED,
    ),
}

NEIGHBOURS: dict[str, Metric[OnNeighbours]] = {
    "precision": Metric(
        measure=precision,
        title="Synthetic patients that lie among real ones",
        scale="1: all do; 0: none does",
        better="higher",
        real=OTHERS,
        control=SHUFFLED,
    ),
    "recall": Metric(
        measure=recall,
        title="Real patients that lie among synthetic ones",
        scale="1: all do; 0: none does",
        better="higher",
        real=OTHERS,
        control=SHUFFLED,
    ),
    "density": Metric(
        measure=density,
        title="Synthetic patients where real ones are many",
        scale="1: about as real patients; 0: far from all",
        better="higher",
        real=OTHERS,
        control=SHUFFLED,
    ),
    "coverage": Metric(
        measure=coverage,
        title="Real patients with a synthetic one near",
        scale="1: all; 0: nobody",
        better="higher",
        real=OTHERS,
        control=SHUFFLED,
    ),
}

CHANGE: dict[str, Metric[OnTokens]] = {
    "transition_tv_2": Metric(
        measure=transition_tv_2,
        title="Change over two visits",
        scale="0: the same changes; 1: nothing in common",
        better="lower",
        real=OTHERS,
        control=SHUFFLED,
    ),
    "transition_tv_3": Metric(
        measure=transition_tv_3,
        title="Change over three visits",
        scale="0: the same changes; 1: nothing in common",
        better="lower",
        real=OTHERS,
        control=SHUFFLED,
    ),
    "autocorrelation": Metric(
        measure=autocorrelation,
        title="What a value says of itself at the next visit",
        scale="0: as much as in real data; differences of correlations, at most 2",
        better="lower",
        real=OTHERS,
        control=SHUFFLED,
    ),
    "cross_lag": Metric(
        measure=cross_lag,
        title="What a value says of another at the next visit",
        scale="0: as much as in real data; differences of correlations, at most 2",
        better="lower",
        real=OTHERS,
        control=SHUFFLED,
    ),
    "length_wasserstein": Metric(
        measure=length_wasserstein,
        title="Number of visits, mean shift",
        scale="0: equal distributions; in visits",
        better="lower",
        real=OTHERS,
        control=GUESS,
    ),
    "missing_over_time": Metric(
        measure=missing_over_time,
        title="Missing values at each visit",
        scale="0: as many missing at every visit; 1: all where none should be",
        better="lower",
        real=OTHERS,
        control=GUESS,
    ),
}

UNSEEN: dict[str, Metric[OnTokens]] = {
    "unseen_transitions": Metric(
        measure=unseen_transitions,
        title="Changes that no training patient shows",
        scale="0: all were seen; 1: none was",
        better="lower",
        real=HELD_OUT,
        control="held-out columns, each shuffled across patients",
    ),
}

CODES: dict[str, Metric[OnTokens]] = {
    "prevalence": Metric(
        measure=prevalence,
        title="How many patients ever have a code",
        scale="0: as many for each code; mean difference of shares",
        better="lower",
        real=OTHERS,
        control=GUESS,
    ),
    "co_occurrence": Metric(
        measure=co_occurrence,
        title="How many patients have both of two codes",
        scale="0: as many for each pair; mean difference of shares",
        better="lower",
        real=OTHERS,
        control=SHUFFLED,
    ),
}

TIMING: dict[str, Metric[OnRecords]] = {
    "gap_ks": Metric(
        measure=gap_ks,
        title="Time between visits",
        scale="0: equal distributions; 1: nothing in common",
        better="lower",
        real=OTHERS,
        control=GUESS,
    ),
    "patient_gap_ks": Metric(
        measure=patient_gap_ks,
        title="Time between visits, mean of each patient",
        scale="0: equal distributions; 1: nothing in common",
        better="lower",
        real=OTHERS,
        control=GUESS,
    ),
    "gap_wasserstein": Metric(
        measure=gap_wasserstein,
        title="Time between visits, mean shift",
        scale="0: equal distributions; in the clock's unit",
        better="lower",
        real=OTHERS,
        control=GUESS,
    ),
}

SURVIVAL: dict[str, Metric[OnSurvival]] = {
    "survival_distance": Metric(
        measure=survival_distance,
        title="Survival over time",
        scale="0: the same curve; 1: all or none at once",
        better="lower",
        real=OTHERS,
        control=GUESS,
    ),
}

RULES: dict[str, Metric[OnRules]] = {
    "rules_broken": Metric(
        measure=rules_broken,
        title="Patients that break a rule of the schema",
        scale="0: nobody; 1: everybody",
        better="match",
        real=HELD_OUT,
        control=GUESS,
    ),
}

__all__ = [
    "CHANGE",
    "CLASS_MEANS",
    "CODES",
    "GUESS",
    "HELD_OUT",
    "LOOKS",
    "MANIFOLD",
    "METRICS",
    "NEIGHBOURS",
    "OTHERS",
    "PICTURES",
    "RANDOM_SHADES",
    "RECORDS",
    "RULES",
    "SHUFFLED",
    "SURVIVAL",
    "TIMING",
    "TYPICAL",
    "UNSEEN",
    "VARIETY",
    "OnNeighbourhoods",
    "OnNeighbours",
    "OnPictures",
    "OnPixels",
    "OnRecords",
    "OnRules",
    "OnSeen",
    "OnSurvival",
    "OnTokens",
]
