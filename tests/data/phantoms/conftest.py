"""One set of each kind for all tests that only look, and a reader of labels."""

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from dpsynth.data.phantoms import PhantomSet, chest, skin


@pytest.fixture(scope="session")
def chests() -> PhantomSet:
    return chest(5000, seed=7)


@pytest.fixture(scope="session")
def lesions() -> PhantomSet:
    return skin(3000, seed=7)


@pytest.fixture(scope="session")
def auc_of() -> Callable[..., tuple[float, float]]:
    return held_out_auc


def held_out_auc(
    phantoms: PhantomSet,
    value: str,
    some: Callable[..., np.ndarray] | None = None,
    column: str | None = None,
) -> tuple[float, float]:
    """AUC of a logistic regression on pixels, and its standard error.

    The first 60 % of the patients teach, the first image of each of the others is read: one
    image per patient, so that Hanley and McNeil's (1982) error holds. `some` picks, from the
    read rows of the table, those that count; `column` is the label unless it is named.
    """
    table = phantoms.table
    ill = (table[column or phantoms.truth.label] == value).to_numpy()
    pixels = phantoms.images.reshape(len(table), -1) / np.float32(255) - np.float32(0.5)
    place = table["patient"].str[1:].astype(int).to_numpy()
    taught = place < 0.6 * (place.max() + 1)
    read = ~taught & table["image"].str.endswith("_1.png").to_numpy()
    if some is not None:
        read &= some(table)
    model = LogisticRegression(C=0.01, max_iter=1000, tol=1e-3).fit(pixels[taught], ill[taught])
    auc = roc_auc_score(ill[read], model.decision_function(pixels[read]))
    yes, no = ill[read].sum(), (~ill[read]).sum()
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (yes - 1) * (q1 - auc**2) + (no - 1) * (q2 - auc**2)
    return float(auc), float(np.sqrt(spread / (yes * no)))
