"""Critic and generator against each other, one step of each at a time."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from dpsynth.models.adversary import add_generated_half, generator_loss
from dpsynth.models.gan_settings import Settings
from dpsynth.models.generator import Generator
from dpsynth.models.layout import Codes, Layout
from dpsynth.models.nets.critic import Critic
from dpsynth.models.packing import average, packed, unpack

BETAS = (0.5, 0.99)  # short memories: a duel with long ones swings


class Duel:
    """Critic and generator, their optimisers, and the generator's moving average.

    It never meets real data: of these, the door leaves a noisy gradient at the critic.

    Args:
        generator: at its start.
        layout: fields of a record.
        settings: rates and widths.
        device: where.
    """

    def __init__(
        self, generator: Generator, layout: Layout, settings: Settings, device: torch.device
    ) -> None:
        self.settings, self.layout = settings, layout
        self.generator = generator.to(device)
        self.kept = copy.deepcopy(self.generator)
        self.critic = Critic(
            layout.static, layout.visit, layout.max_visits, settings.critic_width
        ).to(device)
        self.critic_adam = torch.optim.AdamW(
            self.critic.parameters(),
            lr=settings.critic_rate,
            betas=BETAS,
            weight_decay=settings.fade,
        )
        self.adam = torch.optim.Adam(self.generator.parameters(), lr=settings.rate, betas=BETAS)
        self.turns = 0

    def rates(self, gone: float) -> None:
        """Set the steps' sizes, where that share of training is gone: down to a tenth in a line."""
        for optimizer, rate in (
            (self.critic_adam, self.settings.critic_rate),
            (self.adam, self.settings.rate),
        ):
            for group in optimizer.param_groups:
                group["lr"] = rate * (1 - 0.9 * gone)

    def learn_critic(self, drawn: Codes, draws: torch.Generator) -> None:
        """Add the generated half to what the door has put there, and step."""
        with torch.no_grad():
            record = self.generator(drawn, draws, self.settings.temperature)[1]
        add_generated_half(self.critic, record, self.settings.clip_norm)
        self.critic_adam.step()
        self.critic_adam.zero_grad()

    def learn_generator(self, drawn: Codes, draws: torch.Generator) -> None:
        """Towards what the critic scores high.

        Guarantee:
            Takes nothing but the critic and generated records, so it is a function of the
            door's answers; the critic is read and not changed.
        """
        _, record, strain = self.generator(drawn, draws, self.settings.temperature)
        loss = generator_loss(self.critic, record) + self.settings.leash * strain
        parameters = list(self.generator.parameters())
        gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        self.adam.step()
        self.turns += 1
        average(self.kept, self.generator, min(self.settings.decay, self.turns / (self.turns + 9)))

    def packed(self) -> dict[str, Tensor]:
        """All of it under names of its own, for the checkpoint, which is internal."""
        held = {"turns": torch.tensor(self.turns)}
        return held | packed(self._modules(), self._optimizers())

    def unpack(self, held: Mapping[str, Tensor]) -> None:
        """Inverse of `packed`."""
        self.turns = int(held["turns"])
        unpack(held, self._modules(), self._optimizers())

    def _modules(self) -> dict[str, nn.Module]:
        return {"generator": self.generator, "kept": self.kept, "critic": self.critic}

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"adam": self.adam, "critic_adam": self.critic_adam}
