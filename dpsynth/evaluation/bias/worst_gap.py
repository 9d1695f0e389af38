"""Is the gap between groups more than chance gives?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dpsynth.evaluation.bias.gaps import assessable, gap
from dpsynth.evaluation.estimate import REPLICATES, Estimate, not_assessable
from dpsynth.evaluation.utility.predictions import Predicted

PERMUTATIONS = 199  # of group membership: p-values are multiples of 1 / 200
LEVEL = 0.05  # of a test; with many attributes some fall below it by chance
CHANCE = "within what chance gives"


@dataclass(frozen=True)
class Tested:
    """A gap between groups, and what it would be by chance.

    Attributes:
        gap: best minus worst group (AUC).
        chance: the 95 % quantile of the gap under permuted membership, from its median.
        p: share of permutations (and the data themselves) whose gap is as large.
    """

    gap: Estimate
    chance: Estimate
    p: Estimate


def worst_gap(
    predicted: Predicted,
    insides: Sequence[np.ndarray],
    *,
    permutations: int = PERMUTATIONS,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Tested:
    """Best minus worst group, beside what random groups of the same sizes give.

    Scenario:
        Of many small groups one is always worst. Were patients dealt out to groups at random,
        all of a patient's samples together, how large would the gap be?

    Args:
        predicted: predictions of a model trained elsewhere.
        insides: for each group, (holdout patients,) whether each belongs to it; no patient
            in two.
        permutations: of patients' membership.
        replicates: bootstrap replicates of the gap's own interval.
        seed: of permutations and bootstrap.

    Returns:
        gap: 0: all groups alike; noted as within chance where p is above LEVEL. p: 0.005 or so:
        hardly ever by chance; 1: always. Groups that differ in nothing have p below LEVEL in a
        share LEVEL of cases. NOTE(paper): groups that differ in how many cases they have, but
        not in AUC, are not exchangeable; then the level holds roughly.

    Errors:
        Fewer than two assessable groups: none is assessable.

    Reference: DiCiccio et al., Evaluating fairness using permutation tests, KDD 2020; Lum,
    Zhang, Bower, De-biasing "bias" measurement, FAccT 2022.
    """
    held = assessable("auc", predicted, insides)
    found = gap(predicted, held, kind="auc", replicates=replicates, seed=seed)
    if not found.assessable:
        none = not_assessable(found.note, found.n)
        return Tested(found, none, none)
    group = np.full(predicted.patients, -1)
    for place, inside in enumerate(held):
        group[inside] = place
    sampled = np.zeros(predicted.patients, dtype=bool)
    sampled[predicted.patient] = True
    dealt = np.flatnonzero((group >= 0) & sampled)
    rng, by_chance = np.random.default_rng(seed), np.zeros(permutations)
    ranked = Ranked.of(predicted)
    observed = ranked.gap(group)
    told = np.ptp(predicted.score) > 0  # one score for all: no permutation can have a gap
    for turn in range(permutations if told else 0):
        group[dealt] = group[rng.permutation(dealt)]
        by_chance[turn] = ranked.gap(group)
    # Rounding must not tell a gap from itself.
    p = (1 + int((by_chance >= observed - 1e-9).sum())) / (1 + permutations)
    middle, most = (float(each) for each in np.quantile(by_chance, [0.5, 1 - LEVEL]))
    said = f"p = {p:.3g}" if p <= LEVEL else f"{CHANCE}, p = {p:.2g}"
    note = predicted.note or said
    return Tested(
        Estimate(found.value, found.low, found.high, found.n, note),
        Estimate(most, middle, most, found.n),
        Estimate(p, p, p, found.n, predicted.note),
    )


@dataclass(frozen=True)
class Ranked:
    """Samples in the order of their scores, so that each permutation is sorted once by group.

    Attributes:
        y: (samples,) true label.
        tie: (samples,) number of the score among the distinct ones.
        patient: (samples,) patient of the sample.
    """

    y: np.ndarray
    tie: np.ndarray
    patient: np.ndarray

    @classmethod
    def of(cls, predicted: Predicted) -> Ranked:
        """The samples of predictions, sorted."""
        order = np.argsort(predicted.score, kind="stable")
        tie = np.cumsum(np.diff(predicted.score[order], prepend=predicted.score[order[:1]]) != 0)
        return cls(predicted.y[order], tie, predicted.patient[order])

    def gap(self, group: np.ndarray) -> float:
        """Best minus worst AUC over groups with both classes; `group` -1 is nobody's."""
        mine = group[self.patient].astype(np.int16)
        order = np.argsort(mine, kind="stable")
        order = order[mine[order] >= 0]
        mine, y, tie = mine[order], self.y[order], self.tie[order]
        starts = np.flatnonzero((np.diff(mine, prepend=-1) != 0) | (np.diff(tie, prepend=-1) != 0))
        positive = np.add.reduceat(y.astype(np.float64), starts)
        negative = np.add.reduceat((~y).astype(np.float64), starts)
        block = mine[starts]
        cases, others = (np.bincount(block, weights=each) for each in (positive, negative))
        before = np.cumsum(others) - others  # non-cases of groups sorted in front
        beaten = np.cumsum(negative) - negative / 2 - before[block]
        pairs = cases * others
        known = pairs > 0
        aucs = np.bincount(block, weights=positive * beaten)[known] / pairs[known]
        return float(np.ptp(aucs)) if len(aucs) else 0.0
