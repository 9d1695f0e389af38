"""What may be set of `table-gan`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dpsynth.models.settings import check_ranges, check_together

HEADS = 4  # of the generator's attention
RANGES = {
    **dict.fromkeys(
        ("batch", "steps", "critic_steps", "generator_steps", "save_every"), (1, math.inf)
    ),
    **dict.fromkeys(("generated", "width", "critic_width", "depth"), (1, math.inf)),
    **dict.fromkeys(("clip_norm", "rate", "critic_rate", "temperature"), (1e-9, math.inf)),
    **dict.fromkeys(("tables_share", "bounds_share"), (1e-3, 1)),
    **dict.fromkeys(("fade", "leash"), (0, math.inf)),
    "decay": (0, 1),
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to train. All public; none is chosen by looking at data.

    Attributes:
        tables_share: of the budget, for the warm start.
        bounds_share: of the budget, for private bins and categories, if there are any.
        batch: expected patients per step; none takes population / 8 within 64 to 1024.
        steps: of the critic's DP-SGD.
        critic_steps: of them for one step of the generator.
        generator_steps: of the generator in a row.
        generated: records per step, drawn afresh.
        clip_norm: of one record's gradient.
        critic_rate, rate: of Adam, for critic and generator.
        fade: pull of the critic's weights towards zero (decoupled weight decay).
        leash: price of a nat away from the warm start, in scores, in the generator's loss.
        temperature: of the softmax whose gradient stands in for that of a draw.
        decay: longest memory of the moving average of the generator's weights.
        critic_width: of the critic.
        width, depth: of the generator.
        save_every: critic steps between checkpoints.
    """

    tables_share: float = 0.9
    bounds_share: float = 0.05
    batch: int | None = None
    steps: int = 400
    critic_steps: int = 1
    generator_steps: int = 1
    generated: int = 256
    clip_norm: float = 1.0
    critic_rate: float = 2e-3
    rate: float = 4e-3
    fade: float = 10.0
    leash: float = 0.1
    temperature: float = 1.0
    decay: float = 0.99
    critic_width: int = 16
    width: int = 64
    depth: int = 1
    save_every: int = 50

    def __post_init__(self) -> None:
        """Check each number against its range.

        Raises:
            InputError: names the setting, its range and its value.
        """
        check_ranges(self, RANGES)
        check_together(self.tables_share, self.bounds_share, self.width, HEADS)
