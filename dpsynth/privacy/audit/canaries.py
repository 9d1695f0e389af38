"""Made-up patients who join a run by the fall of a coin, and cells that no patient can reach."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field

import numpy as np

from dpsynth.privacy.plan import Plan

SHARE = 0.08  # of the population, in canaries: half of them join, so they are 4 % of the work
FEWEST, MOST = 16, 512
CELLS = 512  # in each release


@dataclass(frozen=True, kw_only=True)
class Canaries:
    """Coins that were thrown before the run, and a hash by which that can be shown.

    They come from the operating system, not from the stream that the run draws from.

    Attributes:
        joined: (canaries,) whether each is among those that steps are drawn from.
        raised: (cells,) whether each cell's true value is 1 rather than 0.
        nonce: keeps the coins from being guessed by their hash.
    """

    joined: np.ndarray
    raised: np.ndarray
    nonce: bytes = field(repr=False)

    @classmethod
    def thrown(cls, plan: Plan) -> Canaries:
        """New coins: as many as the plan's public size allows, none where it has no training."""
        many = min(max(round(SHARE * plan.population), FEWEST), MOST)
        return cls(
            joined=_coins(many if plan.training else 0),
            raised=_coins(CELLS),
            nonce=secrets.token_bytes(32),
        )

    @property
    def members(self) -> np.ndarray:
        """Numbers of those that joined."""
        return np.flatnonzero(self.joined)

    @property
    def commitment(self) -> str:
        """SHA-256 over nonce and coins, written down before the run begins."""
        coins = self.joined.astype(np.uint8).tobytes(), self.raised.astype(np.uint8).tobytes()
        return hashlib.sha256(b"|".join([self.nonce, *coins])).hexdigest()


def _coins(many: int) -> np.ndarray:
    words = np.frombuffer(secrets.token_bytes(many // 8 + 1), dtype=np.uint8)
    return np.unpackbits(words)[:many].astype(bool)
