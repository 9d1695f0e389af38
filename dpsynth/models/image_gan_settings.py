"""What may be set of `image-gan`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dpsynth.models.settings import check_ranges

RANGES = {
    **dict.fromkeys(("batch", "steps", "turns", "generated", "save_every"), (1, math.inf)),
    **dict.fromkeys(("width", "depth", "critic_width"), (1, math.inf)),
    **dict.fromkeys(("clip_norm", "rate", "critic_rate"), (1e-9, math.inf)),
    **dict.fromkeys(("facts_share", "pictures_share"), (1e-3, 1)),
    **dict.fromkeys(("fade", "leash"), (0, math.inf)),
    **dict.fromkeys(("kept", "fine"), (1, 129)),
    **dict.fromkeys(("ahead", "decay", "texture_share"), (0, 1)),
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to train. All public; none is chosen by looking at data.

    Attributes:
        kept: frequencies along each side of a picture that the start draws; none for
            `spectra.KEPT`.
        fine: frequencies along each side that the generator may add to.
        facts_share: of the budget, for the columns beside the pictures.
        pictures_share: of the budget, for the pictures' Gaussians and texture.
        texture_share: of that, for how strong finer frequencies are; 0 leaves them out.
        batch: expected patients per step; none takes population / 8 within 64 to 1024.
        steps: of the critic's DP-SGD.
        ahead: share of generated pictures that the critic must tell before the generator moves:
            more steps of the critic for each of the generator's where noise slows it, by
            generated pictures alone.
        turns: of the generator in a row.
        generated: pictures per step, drawn afresh.
        clip_norm: of one picture's gradient.
        critic_rate, rate: of Adam, for critic and generator.
        fade: pull of the critic's weights towards zero (decoupled weight decay).
        leash: price of what the generator adds, squared, in its loss.
        decay: longest memory of the moving average of the generator's weights.
        critic_width: of the critic.
        width, depth: of the generator.
        save_every: critic steps between checkpoints.
    """

    kept: int | None = None
    fine: int = 16
    facts_share: float = 0.05
    pictures_share: float = 0.8
    texture_share: float = 0.05
    batch: int | None = None
    steps: int = 200
    ahead: float = 0.55
    turns: int = 2
    generated: int = 128
    clip_norm: float = 1.0
    critic_rate: float = 5e-4
    rate: float = 1e-4
    fade: float = 1.0
    leash: float = 80.0
    decay: float = 0.99
    critic_width: int = 8
    width: int = 64
    depth: int = 2
    save_every: int = 50

    def __post_init__(self) -> None:
        """Check each number against its range."""
        check_ranges(self, RANGES)
