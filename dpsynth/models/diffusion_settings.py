"""What may be set of `table-diffusion`, and how its planner splits a budget."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dpsynth.models.settings import check_ranges, check_together

HEADS = 4  # of attention
SPLIT = ((1.0, 0.88), (10.0, 0.65))  # epsilon, and what the warm start has of the budget there
RANGES = {
    **dict.fromkeys(("batch", "steps", "views", "width", "depth", "save_every"), (1, math.inf)),
    **dict.fromkeys(("clip_norm", "rate", "warm_rate"), (1e-9, math.inf)),
    **dict.fromkeys(("tables_share", "bounds_share", "gate_share"), (1e-3, 1)),
    **dict.fromkeys(("warm_steps",), (0, math.inf)),
    "decay": (0, 1),
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to train. All public; none is chosen by looking at data.

    Attributes:
        tables_share: of the budget, for the tables and moments of the warm start; none takes
            `share_of_tables`.
        gate_share: of the budget, for asking whether training helped.
        bounds_share: of the budget, for private bins and categories, if there are any; the
            other shares are of what they leave.
        batch: expected patients per step; none takes population / 16 within 64 to 512.
        steps: of DP-SGD.
        views: maskings per patient, averaged before clipping.
        clip_norm: of one patient's gradient.
        rate: of Adam during DP-SGD.
        decay: longest memory of the moving average of weights.
        warm_steps, warm_rate: of training on samples of the tables, at no privacy cost.
        width, depth: of the network.
        save_every: steps between checkpoints.
    """

    tables_share: float | None = None
    gate_share: float = 0.01
    bounds_share: float = 0.1
    batch: int | None = None
    steps: int = 200
    views: int = 2
    clip_norm: float = 0.3
    rate: float = 6e-4
    decay: float = 0.99
    warm_steps: int = 1600
    warm_rate: float = 2e-3
    width: int = 128
    depth: int = 2
    save_every: int = 20

    def __post_init__(self) -> None:
        """Check each number against its range.

        Raises:
            InputError: names the setting, its range and its value.
        """
        check_ranges(self, RANGES)
        share = self.tables_share or max(share for _, share in SPLIT)
        check_together(share + self.gate_share, self.bounds_share, self.width, HEADS)


def share_of_tables(epsilon: float) -> float:
    """What the warm start has of the budget: the more, the less DP-SGD can learn.

    A straight line in the logarithm of epsilon between the ends of `SPLIT`, at which
    `models/table-diffusion/CARD.md` has what either share is worth.
    """
    ends, shares = zip(*SPLIT, strict=True)
    return float(np.interp(math.log(epsilon), np.log(ends), shares))
