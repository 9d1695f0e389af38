"""Families of models, none tuned on data. Adding one: one file, one test, one line here."""

from __future__ import annotations

from dpsynth.evaluation.utility.boosting import Fit, boosting
from dpsynth.evaluation.utility.families.gru import gru
from dpsynth.evaluation.utility.families.linear import linear
from dpsynth.evaluation.utility.families.mlp import mlp

FAMILIES: dict[str, Fit] = {"linear": linear, "boosting": boosting, "mlp": mlp, "gru": gru}
OVER_VISITS = ("gru",)  # what reads visits one after another, and falls away without any


def families(visits: bool) -> dict[str, Fit]:
    """The families that suit data with or without visits."""
    return {name: fit for name, fit in FAMILIES.items() if visits or name not in OVER_VISITS}
