"""Reading pictures: does a classifier trained on the copy's pictures know real ones?"""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression

from dpsynth.evaluation.shown import UNKNOWN, Shown, small
from dpsynth.evaluation.utility.predictions import ONE_CLASS, Predicted

PULL = 0.05  # inverse strength of the pull to zero, as in our benchmarks
ROUNDS = 1000  # of the fit, at most


def read_pictures(train: Shown, test: Shown) -> Predicted:
    """Logistic regression on small pictures for the schema's label, for real test pictures.

    Scenario:
        A researcher who has the copy alone trains a classifier on its pictures and brings it to
        the hospital. Every picture is a sample; a patient's samples stay together in intervals.

    Errors:
        A training label with one class, or pictures that are all alike, give a constant score
        and a note, never a crash.

    Reference: Esteban, Hyland, Rätsch, Real-valued medical time series generation, 2017.
    """
    asked, y = test.code != UNKNOWN, train.positive[train.code != UNKNOWN]
    share = float(y.mean()) if len(y) else 0.0
    score = np.full(int(asked.sum()), share)
    model, note = reader(train)
    if model is not None and asked.any():
        score = model.predict_proba(as_read(test.pixels[asked]))[:, 1]
    return predicted(test, score, share, note)


def reader(train: Shown) -> tuple[LogisticRegression | None, str]:
    """The classifier for `as_read` pictures, or none and why."""
    known = train.code != UNKNOWN
    y, seen = train.positive[known], as_read(train.pixels[known])
    if not len(y):
        return None, "not assessable: no training sample"
    if y.all() or not y.any():
        return None, ONE_CLASS
    if np.ptp(seen, axis=0).max() == 0:
        # A fit would rank by brightness, on the side to which its last digit happens to lean.
        return None, "not assessable: the training pictures are all alike"
    return LogisticRegression(C=PULL, max_iter=ROUNDS).fit(seen, y), ""


def as_read(pixels: np.ndarray) -> np.ndarray:
    """(pictures, features) in [-1, 1]: small pictures, as the classifier reads them."""
    return 2 * small(pixels) - 1


def uninformed_reader(train: Shown, test: Shown) -> Predicted:
    """The control: always predict the training label's share. Its AUC is 0.5 exactly."""
    y = train.positive[train.code != UNKNOWN]
    share = float(y.mean()) if len(y) else 0.0
    return predicted(test, np.full(int((test.code != UNKNOWN).sum()), share), share, "")


def predicted(test: Shown, score: np.ndarray, share: float, note: str) -> Predicted:
    """Scores of the test pictures whose label is known."""
    asked = test.code != UNKNOWN
    return Predicted(
        y=test.positive[asked],
        score=score,
        patient=test.patient[asked],
        patients=test.patients,
        threshold=share,
        note=note,
    )
