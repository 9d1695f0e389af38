"""A small network of two layers."""

from __future__ import annotations

from sklearn.neural_network import MLPClassifier

from dpsynth.evaluation.utility.families.estimator import fit_estimator
from dpsynth.evaluation.utility.families.family import Ask, Family
from dpsynth.evaluation.utility.task import Task

EPOCHS = 15


def fit(train: Task, seed: int) -> Ask:
    """Learn for EPOCHS epochs; nothing stops it earlier, so nothing is tuned."""
    model = MLPClassifier(
        hidden_layer_sizes=(32,),
        alpha=1e-2,
        batch_size=min(128, len(train.y)),
        max_iter=EPOCHS,
        n_iter_no_change=EPOCHS,
        random_state=seed,
    )
    return fit_estimator(model, train)


MLP = Family(title="Small network", fit=fit, samples=5000)
