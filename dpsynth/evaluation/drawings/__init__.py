"""The report's figures in order, each with the numbers behind it: for the page and for files."""

from __future__ import annotations

from dpsynth.evaluation.drawings.copied import copied
from dpsynth.evaluation.drawings.judged import attacks, bounding, fairness, models
from dpsynth.evaluation.drawings.parts import Drawing, Section, Table, slug
from dpsynth.evaluation.evaluation import Evaluation
from dpsynth.evaluation.leakage.claimed import Implied

__all__ = ["Drawing", "Section", "Table", "bounding", "copied", "sections", "slug"]


def sections(evaluation: Evaluation, claim: Implied | None) -> tuple[Section, ...]:
    """All figures of an evaluation; a kind that there is nothing of is left out."""
    every = (
        *copied(evaluation.columns, evaluation.visits, evaluation.transitions, evaluation.figures),
        models(evaluation.figures),
        fairness(evaluation),
        attacks(evaluation.figures, claim),
    )
    return tuple(each for each in every if each.drawings)
