"""What the critic learns from: its real half through the door, its generated half in the open."""

from __future__ import annotations

import torch
from torch import Tensor

from dpsynth.models.layout import Layout, Record
from dpsynth.models.nets.critic import Critic
from dpsynth.privacy.draws import RowDraws
from dpsynth.privacy.grad import clipped_sum


class RealHalf:
    """The objective that the door shows patients to: minus a record's score.

    With the generated half, plus the mean score of generated records, it is the difference
    of two means (an integral probability metric); the pull of the critic's weights towards
    zero and the clipping of gradients bound it. A record's loss depends on that record only.

    Args:
        layout: fields of a record.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def prepare(self, rows: tuple[Tensor, ...], draws: RowDraws) -> tuple[Tensor, ...]:
        """Tokens to one-hot rows, each of its own row only; nothing is drawn."""
        return tuple(self.layout.record(self.layout.codes(*rows)))

    def loss(self, model: Critic, *rows: Tensor) -> Tensor:
        """(rows,) losses."""
        return -model(*rows)


def add_generated_half(critic: Critic, record: Record, clip_norm: float) -> None:
    """Add the gradient of the generated half, the mean score, to every `param.grad`.

    Each generated record's gradient is clipped as a patient's is: else the halves would not
    cancel where both have the same law, and the critic would keep pushing. No noise, since no
    patient is in it.
    """
    rows = tuple(part.detach() for part in record)
    sums = clipped_sum(critic, _generated_loss, rows, clip_norm=clip_norm)
    for name, parameter in critic.named_parameters():
        mean = sums[name] / len(rows[0])
        parameter.grad = mean if parameter.grad is None else parameter.grad + mean


def _generated_loss(critic: Critic, *rows: Tensor) -> Tensor:
    return critic(*rows)


def generator_loss(critic: Critic, record: Record) -> Tensor:
    """Minus the mean score of generated records."""
    return -torch.mean(critic(*record))
