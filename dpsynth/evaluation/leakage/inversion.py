"""Does a classifier that was trained on the copy show who was trained on?"""

from __future__ import annotations

import numpy as np

from dpsynth.evaluation.estimate import (
    REPLICATES,
    Estimate,
    bootstrap_estimate,
    not_assessable,
    patient_weights,
)
from dpsynth.evaluation.shown import UNKNOWN, Shown
from dpsynth.evaluation.utility.pictures import as_read, reader

LEAST = 20  # patients of each class in either real set
RIDGE = 0.01  # of the mean variance of a pixel, added to all: pixels that hardly vary say nothing


def inversion(
    synthetic: Shown,
    members: Shown,
    outsiders: Shown,
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Estimate:
    """How much more an inverted classifier is like the training patients than like others.

    Scenario:
        An attacker has a classifier that was trained on the copy, and some pictures of the copy.
        They change a picture until the classifier finds it most typical of a class. Of logistic
        regression, which this is kept to, the change is known without a search: its weights.
        They take out what neighbouring pixels share, and look at what is left as a picture of
        the patients behind the copy: of those with the label, less those without.

    Args:
        synthetic: pictures that the classifier learns, or fresh real ones for the reference.
        members: training pictures.
        outsiders: pictures of as many other real patients.
        replicates: of the bootstrap over the real patients of both sets, given the classifier.
        seed: of the bootstrap.

    Returns:
        Correlation of the inverted picture with the difference of the classes' mean pictures of
        members, less that with the difference of outsiders', all without what neighbouring
        pixels of the copy share. 0: tells nothing of who was trained on; 1: shows them, and
        nothing of others. It wanes with the number of patients: a mean of many hides each.

    Errors:
        A copy without two classes, or fewer than `LEAST` patients of a class in a real set: not
        assessable.

    NOTE(paper): the paper searches for one person's face by the gradient of a network, and
    people judge the likeness; here the class has many patients, and others are the control.

    Reference: Fredrikson, Jha, Ristenpart, Model inversion attacks that exploit confidence
    information and basic countermeasures, CCS 2015.
    """
    fewest = min(_fewest(each) for each in (members, outsiders))
    if fewest < LEAST:
        return not_assessable(f"needs {LEAST} training and {LEAST} other patients of each class")
    model, why = reader(synthetic)
    if model is None:
        return not_assessable(why.removeprefix("not assessable: "), synthetic.patients)
    root, inverse = _spread(as_read(synthetic.pixels))
    inverted, rng = root @ model.coef_[0], np.random.default_rng(seed)
    like = []
    for each in (members, outsiders):
        weights = patient_weights(each.patients, replicates, rng)
        like.append(_correlations(inverted, _contrasts(each, weights) @ inverse))
    return bootstrap_estimate(like[0] - like[1], members.patients, (-2.0, 2.0))


def _fewest(given: Shown) -> int:
    """Patients of the smaller class."""
    known = given.code != UNKNOWN
    return min(len(np.unique(given.patient[known & (given.positive == y)])) for y in (False, True))


def _spread(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Root of the covariance of (n, width) rows, and the inverse of that root."""
    covariance = np.cov(rows.T.astype(np.float64))
    covariance += RIDGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    values, vectors = np.linalg.eigh(covariance)
    root = np.sqrt(values)
    return (vectors * root) @ vectors.T, (vectors / root) @ vectors.T


def _contrasts(given: Shown, weights: np.ndarray) -> np.ndarray:
    """(replicates, width) mean picture of the positive less that of the others."""
    known = given.code != UNKNOWN
    rows, positive = as_read(given.pixels[known]), given.positive[known]
    drawn = (weights[:, given.patient] * given.weight)[:, known]
    means = []
    for side in (positive, ~positive):
        held = drawn[:, side]
        with np.errstate(invalid="ignore", divide="ignore"):
            means.append(held @ rows[side] / held.sum(axis=1, keepdims=True))
    found: np.ndarray = means[0] - means[1]
    return found


def _correlations(one: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(replicates,) correlation of a picture with each row; NaN where one is even."""
    one, rows = one - one.mean(), rows - rows.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: np.ndarray = rows @ one / np.linalg.norm(rows, axis=1) / np.linalg.norm(one)
    return found
