"""Reading pictures: does a classifier trained on the copy's pictures know real ones?"""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression

from dpsynth.evaluation.shown import UNKNOWN, Shown, small
from dpsynth.evaluation.utility.boosting import ONE_CLASS, Predicted

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
    known, asked = train.code != UNKNOWN, test.code != UNKNOWN
    y = train.positive[known]
    share = float(y.mean()) if len(y) else 0.0
    score, note = np.full(int(asked.sum()), share), ""
    seen = 2 * small(train.pixels[known]) - 1
    if share in (0.0, 1.0):
        note = ONE_CLASS if len(y) else "not assessable: no training sample"
    elif np.ptp(seen, axis=0).max() == 0:
        # A fit would rank by brightness, on the side to which its last digit happens to lean.
        note = "not assessable: the training pictures are all alike"
    elif asked.any():
        model = LogisticRegression(C=PULL, max_iter=ROUNDS)
        model.fit(seen, y)
        score = model.predict_proba(2 * small(test.pixels[asked]) - 1)[:, 1]
    return predicted(test, score, share, note)


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
