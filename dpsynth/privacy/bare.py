"""The same questions without noise: what a model is worth where nobody is protected."""

from __future__ import annotations

import math
from dataclasses import replace

from dpsynth.privacy.plan import Plan

TRACE = 1e-4  # noise multiplier that stands for none; models divide by it


def bare(plan: Plan) -> Plan:
    """The plan with its noise taken off. It promises nothing: epsilon is infinite.

    Clipping, sampling and the number of steps stay, so that a model trained by both plans
    differs in the noise alone. No ledger takes such a plan (`Ledger.reserve` refuses an
    infinite epsilon), no accountant certifies it, so no card can be made of it: whoever trains
    by it writes an unprotected access into the ledger and deletes what was learnt.
    """
    training = plan.training
    return replace(
        plan,
        epsilon=math.inf,
        releases=tuple(
            replace(each, noise_multiplier=TRACE, threshold_delta=0.0) for each in plan.releases
        ),
        training=None if training is None else replace(training, noise_multiplier=TRACE),
    )
