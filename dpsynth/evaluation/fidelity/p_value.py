"""Could it be chance that a classifier tells synthetic patients from real ones?"""

from __future__ import annotations

import numpy as np
from scipy.stats import mannwhitneyu

from dpsynth.data.codec import Codec, Tokens
from dpsynth.evaluation.estimate import Estimate, not_assessable
from dpsynth.evaluation.fidelity.discriminator import PATIENTS, mixed, suspicion

FEWEST = 40  # patients of each kind: half of them for a normal law of the AUC


def c2st_p(real: Tokens, other: Tokens, codec: Codec, *, seed: int = 0) -> Estimate:
    """Classifier two-sample test: the p-value of telling `other` from `real`.

    Scenario:
        The sceptic of `c2st_auc` learns from one half of the patients and guesses the other
        half, once. Could a guess as good be luck? If both kinds are of one population, the
        labels of the second half are exchangeable whatever was learned from the first, so that
        every order of them is as likely as the one found; the AUC under all these orders is
        Mann and Whitney's U, and no label needs to be shuffled. A patient with all visits is one
        row. NOTE(paper): AUC, not accuracy, which throws away how sure the classifier was.

        The scores of `c2st_auc` would not do: each of its folds is guessed by what was learned
        from the others, so that a fold which looks odd by chance moves all of them. Taken as one
        sample they gave 11 % of alarms at 5 % (400 pairs of samples of one simulated clinic).

    Args:
        real: real patients, usually the holdout.
        other: synthetic patients, or other real ones for the reference.
        codec: public code books.
        seed: of the choice of PATIENTS of each kind at most, and of the halves.

    Returns:
        The share of orders with so high an AUC. Of perfect copies one in twenty has 0.05 or
        less; 1: nothing learned. A small value says that a difference is sure, not that it is
        great: that is `c2st_auc`. It has no interval.

    Errors:
        Fewer than FEWEST patients of a kind: not assessable.

    Reference: Lopez-Paz and Oquab, Revisiting classifier two-sample tests, ICLR 2017.
    """
    rng = np.random.default_rng(seed)
    each = min(len(real), len(other), PATIENTS)
    if each < FEWEST:
        return not_assessable("too few patients", each)
    X, y = mixed(real, other, codec, each, rng)
    learned = np.concatenate([rng.permutation(each) < each // 2 for _ in range(2)])
    score = suspicion(X[learned], y[learned], X[~learned], seed)
    p = chance(y[~learned], score)
    return Estimate(p, p, p, each, f"{each} patients of each kind" if each == PATIENTS else "")


def chance(y: np.ndarray, score: np.ndarray) -> float:
    """Share of orders of the labels in which positives rank as high, or higher."""
    if score.min() == score.max():
        return 1.0
    return float(mannwhitneyu(score[y], score[~y], alternative="greater").pvalue)
