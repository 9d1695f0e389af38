"""Logistic regression: what adds up, and nothing else."""

from __future__ import annotations

from sklearn.linear_model import LogisticRegression

from dpsynth.evaluation.utility.families.estimator import fit_estimator
from dpsynth.evaluation.utility.families.family import Ask, Family
from dpsynth.evaluation.utility.task import Task

STEPS = 100


def fit(train: Task, seed: int) -> Ask:
    """Learn with scikit-learn's default penalty, in at most STEPS steps; nothing is random."""
    return fit_estimator(LogisticRegression(max_iter=STEPS), train)


LINEAR = Family(title="Logistic regression", fit=fit, samples=10_000)
