"""Agreement with synthcity's formulas, where both compute the same thing.

synthcity pins versions that can't stand beside ours, so that its published definitions are
written down here as oracles (metrics/eval_statistical.py, eval_sanity.py and eval_detection.py of
its repository; Qian, Cebere, van der Schaar, arXiv 2301.07573). It knows no patients with visits:
agreement is on one row a patient.

Not compared, since ours are something else: alpha-precision and beta-recall (quantile balls about
one centre, in an embedding that is trained on the data; ours are balls of neighbours), its
Wasserstein distance (Sinkhorn divergence of whole rows; ours is of gaps and of numbers of visits),
k-anonymity and l-diversity of k-means clusters (not computed: they say nothing of a copy that was
not made by grouping), DOMIAS (a density fitted to both; `ratio_attack` takes distances).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist, jensenshannon
from scipy.special import kl_div
from scipy.stats import ks_2samp
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from dpsynth.data.codec import Codec, Tokens, codec
from dpsynth.data.records import Records
from dpsynth.evaluation.fidelity.discriminator import c2st_auc, mixed, suspicion
from dpsynth.evaluation.fidelity.gaps import gap_ks
from dpsynth.evaluation.fidelity.neighbours import (
    K,
    Neighbours,
    balls,
    coverage,
    density,
    precision,
    recall,
)
from dpsynth.evaluation.fidelity.one_way import tv1
from dpsynth.evaluation.leakage.copies import copy_rate
from dpsynth.schema import Column, Schema, Table

CODES = 6


@pytest.fixture(scope="module")
def book() -> Codec:
    """Four static columns of six categories."""
    column = Column(type="category", categories=tuple(map(str, range(CODES))), missing=False)
    table = Table(shape="static", key="id", columns=dict.fromkeys("abcd", column))
    return codec(Schema(name="s", tables={"p": table}))


def patients(number: int, seed: int, scale: float) -> Tokens:
    """Codes with a long tail."""
    drawn = np.random.default_rng(seed).exponential(scale, (number, 4)).astype(np.int16)
    return Tokens(
        static=np.minimum(drawn, CODES - 1),
        visits=np.zeros((number, 0, 0), dtype=np.int16),
        length=np.zeros(number, dtype=np.int16),
    )


@pytest.mark.parametrize("shift", [0.0, 0.7])
def test_precision_recall_density_and_coverage_agree(shift):
    # synthcity's PRDCScore: the radius is the largest of the k + 1 nearest, oneself among them,
    # and an edge is outside; of continuous values no point lies on an edge.
    rng = np.random.default_rng(1)
    real, fake = rng.normal(size=(150, 3)), rng.normal(shift, 1, (150, 3))
    radius = [np.sort(cdist(each, each), axis=1)[:, K] for each in (real, fake)]
    apart = cdist(real, fake)
    in_real, in_fake = apart < radius[0][:, None], apart < radius[1][None, :]
    oracle = {
        precision: in_real.any(axis=0).mean(),
        recall: in_fake.any(axis=1).mean(),
        density: in_real.sum(axis=0).mean() / K,
        coverage: (apart.min(axis=1) < radius[0]).mean(),
    }
    made = Neighbours(real=balls(real), other=balls(fake), across=apart**2)
    for figure, expected in oracle.items():
        assert figure(made).value == pytest.approx(expected), figure.__name__


def test_the_kolmogorov_smirnov_score_of_one_gap_a_patient_agrees(clinic_codec):
    # KolmogorovSmirnovTest: 1 minus the statistic.
    rng, sides = np.random.default_rng(2), []
    for mean in (10.0, 14.0):
        gaps = rng.exponential(mean, 200)
        visits = pd.DataFrame(
            {
                "patient": np.repeat(np.arange(200), 2),
                "time": np.stack([np.zeros(200), gaps], axis=1).ravel(),
            }
        )
        keys = np.arange(200).astype(str).astype(object)
        sides.append((gaps, Records(keys, pd.DataFrame(index=range(200)), visits)))
    (a, real), (b, other) = sides
    score = 1 - ks_2samp(a, b).statistic
    assert 1 - gap_ks(real, other, clinic_codec).value == pytest.approx(score, abs=1e-5)


def test_the_share_of_common_rows_agrees_where_rows_are_distinct(book):
    # CommonRowsProportion: distinct real rows that the copy holds, over all real rows.
    real, fake = patients(300, 3, 3.0), patients(200, 4, 3.0)
    real = real.take(np.unique(real.static, axis=0, return_index=True)[1])
    frames = [pd.DataFrame(each.static) for each in (real, fake)]
    common = frames[0].merge(frames[1], how="inner").drop_duplicates()
    assert 0 < len(common) < len(real)
    assert copy_rate(real, fake).value == pytest.approx(len(common) / len(real))


@pytest.mark.parametrize("scale", [1.6, 2.5])
def test_total_variation_keeps_the_bounds_of_its_two_divergences(book, scale):
    # InverseKLDivergence is 1 / (1 + KL), JensenShannonDistance the root of the divergence in
    # nats. Pinsker: TV <= sqrt(KL / 2); Lin: JS <= ln 2 TV, and JS >= TV^2 / 2 in nats.
    real, fake = patients(4000, 5, 1.5), patients(4000, 6, scale)
    for place in range(4):
        p, q = (np.bincount(e.static[:, place], minlength=CODES) / 4000 for e in (real, fake))
        inverse, distance = 1 / (1 + kl_div(p, q).sum()), jensenshannon(p, q)
        few = type(book)(static=book.static[place : place + 1], visit=(), max_visits=0)
        sides = [
            Tokens(static=e.static[:, place : place + 1], visits=e.visits, length=e.length)
            for e in (real, fake)
        ]
        found = tv1(*sides, few).value
        assert found <= np.sqrt((1 / inverse - 1) / 2) + 1e-6
        assert found**2 / 2 - 1e-6 <= distance**2 <= np.log(2) * found + 1e-6


def test_detection_agrees_but_for_pooling_folds(book):
    # eval_detection: the mean over folds of the AUC of a classifier that tells the copy; ours
    # takes all folds' scores as one sample. Same classifier, folds and patients.
    real, fake = patients(500, 7, 1.5), patients(500, 8, 2.2)
    X, y = mixed(real, fake, book, 500, np.random.default_rng(0))
    folds = StratifiedKFold(3, shuffle=True, random_state=0).split(X, y)
    aucs = [roc_auc_score(y[ask], suspicion(X[fit], y[fit], X[ask], 0)) for fit, ask in folds]
    found = c2st_auc(real, fake, book).value
    assert found > 0.6
    assert found == pytest.approx(np.mean(aucs), abs=0.02)
