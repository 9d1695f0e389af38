"""Kinds of models that learn a label. Adding one: one file, one test, one line here."""

from __future__ import annotations

from dpsynth.data.codec import Codec
from dpsynth.evaluation.utility.families import boosting, gru, linear, mlp
from dpsynth.evaluation.utility.families.family import Family

FAMILIES: dict[str, Family] = {
    "linear": linear.LINEAR,
    "boosting": boosting.BOOSTING,
    "mlp": mlp.MLP,
    "gru": gru.GRU,
}


def families(codec: Codec) -> dict[str, Family]:
    """The families that suit the data: reading visits in turn needs more than one visit."""
    in_turn = codec.max_visits > 1 and bool(codec.visit)
    return {name: each for name, each in FAMILIES.items() if in_turn or name != "gru"}
