"""The numbers behind the figures, from what the steps have worked out already."""

from __future__ import annotations

from dpsynth.evaluation.case import Case
from dpsynth.evaluation.figures import Figures
from dpsynth.evaluation.series.correlations import correlations
from dpsynth.evaluation.series.curves import plots
from dpsynth.evaluation.series.gallery import gallery
from dpsynth.evaluation.series.trajectories import trajectories
from dpsynth.evaluation.steps.likeness import compared


def gathered(case: Case) -> Figures:
    """All figures of an evaluation: of real holdout patients and of the copy. Internal."""
    sides = compared(case)
    real, copy = sides.holdout, sides.synthetic
    return Figures(
        trajectories=trajectories(real.records, copy.records, case.schema, case.rng(91)),
        correlations=correlations(real.tokens, copy.tokens, case.codec),
        plots=plots(case),
        pictures=()
        if case.codec.picture is None
        else gallery(real.tokens, copy.tokens, case.codec, case.schema.label, case.rng(92)),
    )
