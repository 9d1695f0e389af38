"""What may be set of `image-diffusion`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dpsynth.errors import InputError
from dpsynth.models.settings import check_ranges

NETWORKS = {"perceptron": 128, "unet": 32}  # and how wide they are, unless it is set
RANGES = {
    **dict.fromkeys(("batch", "steps", "views", "width", "depth", "save_every"), (1, math.inf)),
    **dict.fromkeys(("micro_batch", "public_steps"), (1, math.inf)),
    **dict.fromkeys(("clip_norm", "rate", "public_rate"), (1e-9, math.inf)),
    **dict.fromkeys(("facts_share", "pictures_share"), (1e-3, 1)),
    "kept": (1, 65),
    "texture_share": (0, 1),
    "sampling_steps": (2, 1000),
    "churn": (0, math.inf),
    "decay": (0, 1),
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to train. All public; none is chosen by looking at data.

    Attributes:
        network: `perceptron` over the frequencies that go together, for a CPU, or `unet` over all
            of them, for a GPU and larger pictures.
        kept: frequencies along each side of a picture that go together in the Gaussians. None
            takes 10, and 6 of pictures in colour, whose covariances would hold four times the
            noise else.
        facts_share: of the budget, for the columns beside the pictures.
        pictures_share: of the budget, for the pictures' Gaussians and texture.
        texture_share: of that, for how strong finer frequencies are; 0 leaves them out.
        batch: expected patients per step; none takes population / 8 within 64 to 1024.
        micro_batch: patients whose gradients are held at once; none takes all of a step.
        public_steps, public_rate: of learning from public pictures first, if there are any.
        steps: of DP-SGD.
        views: noisy pictures per patient, averaged before clipping.
        clip_norm: of one patient's gradient.
        rate: of Adam.
        decay: longest memory of the moving average of weights.
        width, depth: of the network; no width takes 128, and 32 of a U-Net.
        sampling_steps: noise levels on the way from noise to a picture.
        churn: fresh noise on that way; 0 has none.
        save_every: steps between checkpoints.
    """

    network: str = "perceptron"
    kept: int | None = None
    facts_share: float = 0.05
    pictures_share: float = 0.8
    texture_share: float = 0.05
    batch: int | None = None
    micro_batch: int | None = None
    public_steps: int = 1000
    public_rate: float = 1e-3
    steps: int = 150
    views: int = 4
    clip_norm: float = 1.0
    rate: float = 1e-3
    decay: float = 0.99
    width: int | None = None
    depth: int = 2
    sampling_steps: int = 25
    churn: float = 0.0
    save_every: int = 50

    def __post_init__(self) -> None:
        """Check each number against its range.

        Raises:
            InputError: names the setting, its range and its value.
        """
        check_ranges(self, RANGES)
        if self.network not in NETWORKS:
            raise InputError(f"network must be one of {', '.join(NETWORKS)}, got {self.network!r}")
        if self.network == "unet" and not self.texture_share:
            raise InputError("a unet draws fine frequencies: texture_share must be above 0")
        if self.network == "unet" and self.wide % 8:
            raise InputError(f"width of a unet must be a multiple of 8, got {self.wide!r}")

    @property
    def wide(self) -> int:
        """How wide the network is."""
        return self.width or NETWORKS[self.network]
