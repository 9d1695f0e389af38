"""A conditional DCGAN whose critic takes many large DP-SGD steps for each of the generator's.

Bie, Kamath and Zhang 2023 (TMLR), "Private GANs, revisited".
"""

from __future__ import annotations

import copy

import torch
from picture_door import labelled
from recipe import Task, steps_within
from torch import Tensor, nn
from torch.nn import functional

from dpsynth.models.base import dpsgd
from dpsynth.models.packing import average
from dpsynth.privacy.accountant import calibrate
from dpsynth.privacy.door import Door
from dpsynth.privacy.draws import RowDraws
from dpsynth.privacy.grad import clipped_sum

LATENT, CLIP, BETAS = 64, 1.0, (0.5, 0.999)
RATES = {"made": 2e-3, "critic": 5e-4}
# NOTE(paper): batches of 128 to 2048 and 50 to 200 critic steps for one of the generator; here
# what 4 minutes of one core leave, with a larger rate and a moving average of the generator.
BATCH, CRITIC_STEPS, DECAY = 256, 10, 0.9
CHUNK = 1024


class Generator(nn.Module):
    """Normals and a class to a picture, 7 to 14 to 28 pixels (a quarter, a half, all).

    Shape:
        noise: (rows, LATENT); code: (rows,); return: (rows, channels, size, size) in [-1, 1]
    """

    def __init__(self, size: int, channels: int, classes: int, width: int = 16) -> None:
        super().__init__()
        self.side, self.classes = size // 4, classes
        self.enter = nn.Linear(LATENT + classes, 4 * width * self.side**2)
        self.wide = nn.ConvTranspose2d(4 * width, 2 * width, 4, 2, 1)
        self.norms = nn.ModuleList([nn.GroupNorm(4, 4 * width), nn.GroupNorm(4, 2 * width)])
        self.leave = nn.ConvTranspose2d(2 * width, channels, 4, 2, 1)

    def forward(self, noise: Tensor, code: Tensor) -> Tensor:
        """Make pictures."""
        told = functional.one_hot(code, self.classes).to(noise.dtype)
        h = self.enter(torch.cat([noise, told], 1)).unflatten(1, (-1, self.side, self.side))
        h = self.wide(functional.relu(self.norms[0](h)))
        return self.leave(functional.relu(self.norms[1](h))).tanh()


class Critic(nn.Module):
    """How real a picture of a class looks, as the logarithm of its odds.

    Shape:
        x: (rows, channels, size, size); code: (rows,); return: (rows,)

    No layer mixes rows, so per-patient gradients are exact.
    """

    def __init__(self, size: int, channels: int, classes: int, width: int = 16) -> None:
        super().__init__()
        self.classes = classes
        self.layers = nn.Sequential(
            nn.Conv2d(channels + classes, width, 4, 2, 1), nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, 2, 1), nn.LeakyReLU(0.2),
            nn.Flatten(), nn.Linear(2 * width * (size // 4) ** 2, 1),
        )  # fmt: skip

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """The class comes in as planes of zeros and ones."""
        told = (code[:, None] == torch.arange(self.classes)).to(x.dtype)
        seen = torch.cat([x, told[:, :, None, None].expand(-1, -1, *x.shape[2:])], 1)
        return self.layers(seen)[:, 0]


class Real:
    """Calling a real picture real: a DP-SGD objective."""

    def prepare(self, rows: tuple[Tensor, ...], draws: RowDraws) -> tuple[Tensor, ...]:
        """One picture of each patient, its class, and whether there is one."""
        return labelled(rows, draws)

    def loss(self, model: Critic, x: Tensor, code: Tensor, here: Tensor) -> Tensor:
        """(rows,) of each row alone."""
        return torch.where(here, functional.softplus(-model(x, code)), 0.0)


def fake_loss(model: Critic, x: Tensor, code: Tensor) -> Tensor:
    """(rows,) of calling a made picture made."""
    return functional.softplus(model(x, code))


class DpGan:
    """The recipe.

    Args:
        task: public.
    """

    def __init__(self, task: Task) -> None:
        torch.manual_seed(task.seed)
        self.task, self.batch = task, min(BATCH, task.budget.population)
        frame = (task.size, task.channels, task.classes)
        self.made, self.critic, self.real = Generator(*frame), Critic(*frame), Real()
        self.draws = torch.Generator().manual_seed(task.seed)
        self.own, self.other = (
            torch.optim.Adam(net.parameters(), lr=RATES[name], betas=BETAS)
            for name, net in (("made", self.made), ("critic", self.critic))
        )
        rounds = steps_within(task.limit_s, self._probe)
        training = dpsgd(task.budget, self.batch, clip_norm=CLIP, steps=rounds * CRITIC_STEPS)
        self.plan = calibrate(task.budget, (), training)

    def fit(self, door: Door) -> None:
        """Train, and keep the moving average of the generator's weights."""
        assert self.plan.training is not None
        kept = copy.deepcopy(self.made)
        for step in range(self.plan.training.steps // CRITIC_STEPS):
            for _ in range(CRITIC_STEPS):
                door.step(self.critic, self.real)
                self._fake_half()
                self.other.step()
            self._generator_step()
            self.own.step()
            average(kept, self.made, min(DECAY, (step + 1) / (step + 10)))
        self.made = kept

    def draw(self, codes: Tensor) -> Tensor:
        """Pictures of those classes."""
        with torch.no_grad():
            return torch.cat([self._fresh(part) for part in codes.split(CHUNK)])

    def _fresh(self, code: Tensor) -> Tensor:
        return self.made(torch.randn(len(code), LATENT, generator=self.draws), code)

    def _codes(self) -> Tensor:
        return torch.randint(self.task.classes, (self.batch,), generator=self.draws)

    def _fake_half(self) -> None:
        """Add the gradient of made pictures, clipped like that of real ones; no noise is due."""
        code = self._codes()
        with torch.no_grad():
            x = self._fresh(code)
        found = clipped_sum(self.critic, fake_loss, (x, code), clip_norm=CLIP)
        for name, parameter in self.critic.named_parameters():
            assert parameter.grad is not None
            parameter.grad += found[name] / self.batch

    def _generator_step(self) -> None:
        """The gradient of looking real, which is of released numbers alone."""
        code = self._codes()
        self.own.zero_grad()
        functional.softplus(-self.critic(self._fresh(code), code)).mean().backward()

    def _probe(self) -> None:
        """A round on noise instead of pictures; nothing moves."""
        shape = (self.batch, self.task.channels, self.task.size, self.task.size)
        here = torch.ones(self.batch, dtype=torch.bool)
        for _ in range(CRITIC_STEPS):
            rows = (torch.rand(shape) * 2 - 1, self._codes(), here)
            found = clipped_sum(self.critic, self.real.loss, rows, clip_norm=CLIP)
            for name, parameter in self.critic.named_parameters():
                parameter.grad = found[name]
            self._fake_half()
        self._generator_step()
