"""Change from one visit to a later one."""

from __future__ import annotations

from collections.abc import Iterator

from dpsynth.data.codec import Codec, Tokens
from dpsynth.evaluation.estimate import REPLICATES, Estimate
from dpsynth.evaluation.fidelity.tables import Table, mean_distance
from dpsynth.evaluation.fidelity.tables import transitions as tables_of


def transition_tv(
    real: Tokens, other: Tokens, codec: Codec, *, replicates: int = REPLICATES, seed: int = 0
) -> Estimate:
    """Total variation between lag-1 transitions, averaged over visit columns.

    Scenario:
        Someone follows patients: of those with code a now, how many have code b at the next
        visit? Compared is the joint table (code now, code next), not the conditional one, so
        a wrong margin counts too. Transitions are pooled over time, on a grid as well, and
        each of a patient's L - 1 transitions weighs 1/(L - 1): the average patient's.
        Patients with fewer than two visits say nothing. The gap before the first visit does
        not exist, so gaps need three visits.

    Args:
        real: the real patients compared with, usually the holdout.
        other: synthetic patients, or real ones for the reference.
        codec: public code books.
        replicates: bootstrap replicates over patients of both sets.
        seed: of the bootstrap.

    Returns:
        0: patients change exactly as real ones; 1: no transition in common. Values that are
        right one by one but drawn anew at each visit give the value of
        `controls.independent_columns`.

    Errors:
        Nobody has a second visit: not assessable.
    """
    return _at_lag(1, real, other, codec, replicates, seed)


def transition_tv_2(
    real: Tokens, other: Tokens, codec: Codec, *, replicates: int = REPLICATES, seed: int = 0
) -> Estimate:
    """Total variation between lag-2 transitions, averaged over visit columns.

    Scenario:
        Someone asks what became of patients two visits later. A copy made visit by visit,
        each from the one before, can have all lag-1 transitions right and forget what came
        before. Arguments, weights and ends of the scale as in `transition_tv`.

    Errors:
        Nobody has a third visit: not assessable.
    """
    return _at_lag(2, real, other, codec, replicates, seed)


def transition_tv_3(
    real: Tokens, other: Tokens, codec: Codec, *, replicates: int = REPLICATES, seed: int = 0
) -> Estimate:
    """Total variation between lag-3 transitions, averaged over visit columns.

    Scenario:
        As `transition_tv_2`, three visits later.

    Errors:
        Nobody has a fourth visit: not assessable.
    """
    return _at_lag(3, real, other, codec, replicates, seed)


def _at_lag(
    lag: int, real: Tokens, other: Tokens, codec: Codec, replicates: int, seed: int
) -> Estimate:
    def tables(tokens: Tokens) -> Iterator[Table]:
        return tables_of(tokens, codec, lag)

    return mean_distance(real, other, tables, replicates=replicates, seed=seed)
