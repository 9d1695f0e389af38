"""Losses of groups, small groups pulled towards everyone's."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from dpsynth.evaluation.estimate import NORMAL_95, Estimate, not_assessable

LEAST = 3  # groups that tell how much groups differ


def shrunk(losses: Sequence[Estimate], everyone: Estimate) -> list[Estimate]:
    """Empirical-Bayes estimates of groups' losses, by the normal-normal model.

    Scenario:
        Among many small groups the largest loss is mostly the luckless one. If the true loss
        of group g is drawn from N(mu, tau^2) and measured as L_g with standard error s_g, its
        best estimate is mu + B_g (L_g - mu), where B_g = tau^2 / (tau^2 + s_g^2). mu is
        everyone's loss; tau^2 by the method of moments, max(0, mean((L_g - mu)^2 - s_g^2)) over
        assessable groups; s_g is the width of the 95 % interval / (2 * 1.96). The interval is
        +- 1.96 sqrt(B_g) s_g, tau^2 taken as known: too narrow where groups are few.

    Args:
        losses: of the groups (`auc_loss`), assessable or not.
        everyone: the loss of everyone together.

    Returns:
        For each group: as L_g where it is sure, or groups differ much; mu where it is not.
        0: nothing lost; 0.5: from perfect to chance.

    Errors:
        Fewer than LEAST assessable groups: none is assessable, nor is one whose loss is not.

    Reference: Morris, Parametric empirical Bayes inference, J. Am. Stat. Assoc. 78, 1983.
    """
    held = [each for each in losses if each.assessable]
    if len(held) < LEAST or not everyone.assessable:
        why = f"{len(held)} groups, fewer than {LEAST}"
        return [not_assessable(each.note or why, each.n) for each in losses]
    squares = [(each.value - everyone.value) ** 2 - _error(each) ** 2 for each in held]
    spread = max(0.0, float(np.mean(squares)))
    return [_shrunk(each, everyone.value, spread) for each in losses]


def _error(loss: Estimate) -> float:
    """Standard error of a loss."""
    return (loss.high - loss.low) / (2 * NORMAL_95)


def _shrunk(loss: Estimate, mean: float, spread: float) -> Estimate:
    if not loss.assessable:
        return not_assessable(loss.note, loss.n)
    error = _error(loss)
    kept = spread / (spread + error**2) if spread > 0 else 0.0
    value = mean + kept * (loss.value - mean)
    half = NORMAL_95 * math.sqrt(kept) * error
    note = loss.note or ("" if kept else "groups differ no more than chance gives")
    return Estimate(value, value - half, value + half, loss.n, note)
