"""What a network starts from: each column's own noisy tables as log-probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from dpsynth.models.warm.chain import Chain


class OwnLogits:
    """Logits of each column's codes given its own code in the visit before, and no more.

    A network's logits are added to them, so that what a column's own past says, which is most
    of what is known of it, need not be learnt. Fixed: nothing is trained, and no row depends
    on another.

    Args:
        chain: before it is fitted, that is, columns on their own.
        facts: positions of the static fields that are modelled.

    Shape (S and V: sums of codes over facts and over visit fields):
        static: (S,), the facts' log-shares
        visits: (rows, time, fields) the visits before, of which the first one is none, ->
            (rows, time + 1, V)
    """

    def __init__(self, chain: Chain, facts: Sequence[int]) -> None:
        self.static = _joined([chain.static[i] for i in facts])
        self.first = _joined(chain.first)
        self.step = [torch.from_numpy(table).float() for table in chain.step]

    def visits(self, before: Tensor) -> Tensor:
        """Of the first visit, and of the one after each of `before`."""
        first = self.first.to(before.device).expand(len(before), 1, -1)
        if not before.shape[1]:
            return first
        parts = [table.to(before.device)[before[..., j]] for j, table in enumerate(self.step)]
        return torch.cat([first, torch.cat(parts, -1)], 1)


def _joined(parts: Sequence[np.ndarray]) -> Tensor:
    """End to end; one 0 for a record without facts, for the network's sake."""
    return torch.from_numpy(np.concatenate(parts or [np.zeros(1)])).float()
