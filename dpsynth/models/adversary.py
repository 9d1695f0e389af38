"""What the critic learns from: its real half through the door, its generated half in the open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from dpsynth.models.layout import Layout
from dpsynth.models.nets.critic import Critic
from dpsynth.privacy.draws import RowDraws
from dpsynth.privacy.grad import clipped_sum


@dataclass(frozen=True, kw_only=True)
class Game:
    """What critic and generator play for: losses of scores, each of its own row.

    Attributes:
        real, generated: of the critic, for either half; the generator loses by its records what
            the critic loses by real ones.
    """

    real: Callable[[Tensor], Tensor]
    generated: Callable[[Tensor], Tensor]


# The difference of two means (an integral probability metric).
MEANS = Game(real=torch.neg, generated=torch.Tensor.clone)
# Telling one from the other (Goodfellow et al. 2014, with their generator's second loss).
TELLING = Game(
    real=lambda score: functional.softplus(-score),
    generated=functional.softplus,
)


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
        return MEANS.real(model(*rows))


def add_generated_half(
    critic: nn.Module,
    record: Sequence[Tensor],
    clip_norm: float,
    game: Game = MEANS,
    factors: Tensor | None = None,
) -> None:
    """Add the gradient of the generated half's mean loss to every `param.grad`.

    Each generated record's gradient is clipped as a patient's is: else the halves would not
    cancel where both have the same law, and the critic would keep pushing. For the same reason
    it is multiplied by its group's weight, as a patient's is. No noise, since no patient is in it.
    """
    rows = tuple(part.detach() for part in record)

    def loss(model: nn.Module, *rows: Tensor) -> Tensor:
        return game.generated(model(*rows))

    sums = clipped_sum(critic, loss, rows, clip_norm=clip_norm, factors=factors)
    for name, parameter in critic.named_parameters():
        mean = sums[name] / len(rows[0])
        parameter.grad = mean if parameter.grad is None else parameter.grad + mean


def generator_loss(critic: nn.Module, record: Sequence[Tensor], game: Game = MEANS) -> Tensor:
    """The mean of what the generator loses by generated records that are not taken for real."""
    return game.real(critic(*record)).mean()
