"""Critic and generator against each other, one step of each at a time."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from dpsynth.models import gan_settings, image_gan_settings
from dpsynth.models.adversary import MEANS, Game, add_generated_half, generator_loss
from dpsynth.models.packing import average, packed, unpack
from dpsynth.models.weighing import Factors

BETAS = (0.5, 0.99)  # short memories: a duel with long ones swings
MEMORY = 0.7  # of how many generated records the critic tells

G = TypeVar("G", bound=nn.Module)
Play = Callable[[Any, torch.Generator], tuple[Sequence[Tensor], Tensor]]
"""(drawn start, source) -> what the critic is shown, with gradients, and the strain."""
Rules = gan_settings.Settings | image_gan_settings.Settings


class Duel(Generic[G]):
    """Critic and generator, their optimisers, and the generator's moving average.

    It never meets real data: of these, the door leaves a noisy gradient at the critic.

    Args:
        generator, critic: at their start, on their device.
        play: the generator's move.
        rules: rates and bounds.
        game: what they play for.
        factors: weights of generated records in the critic's half, or none.

    Attributes:
        kept: the generator's moving average.
        told: share of generated records that the critic scored below zero, the last steps that
            `tell` was asked at counting most; by generated records alone.
    """

    def __init__(
        self,
        generator: G,
        critic: nn.Module,
        play: Play,
        rules: Rules,
        game: Game = MEANS,
        factors: Factors | None = None,
    ) -> None:
        self.factors = factors
        self.generator, self.critic, self.play = generator, critic, play
        self.rules, self.game = rules, game
        self.kept = copy.deepcopy(generator)
        self.critic_adam = torch.optim.AdamW(
            self.critic.parameters(),
            lr=rules.critic_rate,
            betas=BETAS,
            weight_decay=rules.fade,
        )
        self.adam = torch.optim.Adam(self.generator.parameters(), lr=rules.rate, betas=BETAS)
        self.turns, self.told = 0, 0.0
        self._shown: Sequence[Tensor] = ()  # to the critic, at its last step

    def rates(self, gone: float) -> None:
        """Set the steps' sizes, where that share of training is gone: down to a tenth in a line."""
        for optimizer, rate in (
            (self.critic_adam, self.rules.critic_rate),
            (self.adam, self.rules.rate),
        ):
            for group in optimizer.param_groups:
                group["lr"] = rate * (1 - 0.9 * gone)

    def learn_critic(self, drawn: Any, draws: torch.Generator) -> None:
        """Add the generated half to what the door has put there, and step."""
        with torch.no_grad():
            record = self.play(drawn, draws)[0]
        factors = None if self.factors is None else self.factors(record)
        add_generated_half(self.critic, record, self.rules.clip_norm, self.game, factors)
        self.critic_adam.step()
        self.critic_adam.zero_grad()
        self._shown = record

    def tell(self) -> float:
        """How far ahead the critic is, after a step of its own: see `told`."""
        with torch.no_grad():
            now = (self.critic(*self._shown) < 0).float().mean().item()
        self.told = MEMORY * self.told + (1 - MEMORY) * now
        return self.told

    def learn_generator(self, drawn: Any, draws: torch.Generator) -> None:
        """Towards what the critic scores high.

        Guarantee:
            Takes nothing but the critic and generated records, so it is a function of the
            door's answers; the critic is read and not changed.
        """
        record, strain = self.play(drawn, draws)
        loss = generator_loss(self.critic, record, self.game) + self.rules.leash * strain
        parameters = list(self.generator.parameters())
        gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        self.adam.step()
        self.turns += 1
        average(self.kept, self.generator, min(self.rules.decay, self.turns / (self.turns + 9)))

    def packed(self) -> dict[str, Tensor]:
        """All of it under names of its own, for the checkpoint, which is internal."""
        held = {"turns": torch.tensor(self.turns), "told": torch.tensor(self.told)}
        return held | packed(self._modules(), self._optimizers())

    def unpack(self, held: Mapping[str, Tensor]) -> None:
        """Inverse of `packed`."""
        self.turns, self.told = int(held["turns"]), float(held["told"])
        unpack(held, self._modules(), self._optimizers())

    def _modules(self) -> dict[str, nn.Module]:
        return {"generator": self.generator, "kept": self.kept, "critic": self.critic}

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"adam": self.adam, "critic_adam": self.critic_adam}
