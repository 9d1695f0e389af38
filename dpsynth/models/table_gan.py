"""A GAN over a patient's tokens that refines the samples of a release of noisy tables."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dpsynth.data.codec import PAD, Codec, Tokens
from dpsynth.errors import InputError
from dpsynth.models.adversary import RealHalf, add_generated_half, generator_loss
from dpsynth.models.base import Progress, discoveries, threshold_delta
from dpsynth.models.generator import Generator
from dpsynth.models.layout import Codes, Layout
from dpsynth.models.nets.critic import Critic
from dpsynth.models.settings import check_ranges, chosen
from dpsynth.models.state import State
from dpsynth.models.warm import WarmStart
from dpsynth.privacy.accountant import calibrate
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.plan import DPSGD, Plan
from dpsynth.schema import Schema

BETAS = (0.5, 0.99)  # short memories: a duel with long ones swings
SHARES_FROM = 4096  # samples of the warm start that shares of codes are taken from
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
        tables_share: of the budget, for the tables of the warm start.
        bounds_share: of the budget, for private bins and categories, if there are any.
        batch: expected patients per step; none takes population / 8 within 64 to 1024.
        steps: of the critic's DP-SGD.
        critic_steps: of them for one step of the generator.
        generated: records per step, drawn afresh.
        clip_norm: of one record's gradient.
        critic_rate, rate: of Adam, for critic and generator.
        fade: pull of the critic's weights towards zero.
        leash: weight of the squared change of logits in the generator's loss.
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
        if self.tables_share + self.bounds_share >= 1:
            raise InputError("settings tables_share and bounds_share must add up to less than 1")
        if self.width % HEADS:
            raise InputError(f"setting width must be a multiple of {HEADS}, got {self.width!r}")


class TableGan:
    """A GAN whose generator refines samples of noisy tables and whose critic learns by DP-SGD.

    The warm start is one joint release of tables and its sampler, at which the generator
    begins exactly (see `generator`). Then the critic is trained: the real half of its gradient
    comes from the door, clipped per patient and noisy; the generated half is added without
    noise. The generator learns from the critic alone. All that is learnt is a function of the
    door's answers; the critic is dropped at the end.

    Args:
        schema, codec, plan: public, or released.
        settings: fields of `Settings`.
    """

    def __init__(self, schema: Schema, codec: Codec, plan: Plan, **settings: Any) -> None:
        self.settings = chosen(Settings, "table-gan", settings)
        self.codec, self.plan_ = codec, plan
        self.layout = Layout.of(codec)
        self.start = WarmStart(schema, codec, plan)
        self.generator = Generator(
            self.layout, width=self.settings.width, depth=self.settings.depth, heads=HEADS
        )

    @staticmethod
    def plan(schema: Schema, budget: Budget, count_epsilon: float = 0.0, **settings: Any) -> Plan:
        """Tables, then DP-SGD; what private columns need first."""
        wanted = chosen(Settings, "table-gan", settings)
        batch = wanted.batch or min(max(budget.population // 8, 64), 1024)
        rate = min(batch / budget.population, 1.0)
        training = DPSGD(
            noise_multiplier=1.0,
            clip_norm=wanted.clip_norm,
            sample_rate=rate,
            expected_batch=rate * budget.population,
            steps=wanted.steps,
        )
        first = discoveries(schema, wanted.bounds_share)
        return calibrate(
            budget,
            (*first, *WarmStart.releases(schema, wanted.tables_share)),
            training,
            count_epsilon=count_epsilon,
            threshold_delta=threshold_delta(first, budget),
        )

    def fit(self, door: Door, state: State, progress: Progress, device: torch.device) -> None:
        """Warm up, then train critic and generator in turn; keep the average."""
        self.start.fit(door, state, progress)
        training, asked = self.plan_.training, self.settings
        assert training is not None
        draws = torch.Generator(device=device)
        draws.seed()
        pool = self._pool(np.random.default_rng(), device)
        self.generator.to(device).start_from(next(pool))
        duel = Duel(self.generator, self.layout, asked, device)
        restored = state.restore()
        if restored is None:
            state.checkpoint(duel.packed(), 0)
        else:
            duel.unpack(restored[0])
        real = RealHalf(self.layout)
        for step in range(state.asked, training.steps):
            duel.rates(step / training.steps)
            state.asking(step)
            door.step(duel.critic, real)
            duel.learn_critic(next(pool), draws)
            done = step + 1
            if done % asked.critic_steps == 0:
                for _ in range(asked.generator_steps):
                    duel.learn_generator(next(pool), draws)
            if done % asked.save_every == 0 or done == training.steps:
                state.checkpoint(duel.packed(), done)
            progress("training", done, training.steps)
        self.generator = duel.kept

    def tensors(self) -> dict[str, Tensor]:
        """The warm start and the averaged generator; nothing of the critic."""
        held = {f"start.{k}": torch.from_numpy(a.copy()) for k, a in self.start.arrays().items()}
        return held | {f"generator.{k}": v for k, v in self.generator.state_dict().items()}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take up what `tensors` gave."""
        self.start.take_up({k: v.numpy() for k, v in _under("start", tensors).items()})
        self.generator.load_state_dict(_under("generator", tensors))

    def sample(
        self,
        patients: int,
        where: Mapping[int, int],
        seed: int,
        progress: Progress,
        device: torch.device,
        chunk: int = 2048,
    ) -> Tokens:
        """Samples of the warm start, refined; what `where` fixes stays as it is."""
        rng = np.random.default_rng(seed)
        draws = torch.Generator(device=device).manual_seed(seed)
        self.generator.to(device).eval()
        parts = []
        for start in range(0, patients, chunk) or [0]:
            start_from = self.start.sample(min(chunk, patients - start), rng, where)
            codes = self.layout.codes_of(start_from, device)
            with torch.no_grad():
                refined = self.generator(codes, draws, self.settings.temperature, tuple(where))[0]
            parts.append(self._tokens(start_from, refined))
            if patients:
                progress("generating", min(start + chunk, patients), patients)
        return Tokens(
            static=np.concatenate([p.static for p in parts]),
            visits=np.concatenate([p.visits for p in parts]),
            length=np.concatenate([p.length for p in parts]),
        )

    def _pool(self, rng: np.random.Generator, device: torch.device) -> Iterator[Codes]:
        """Fresh samples of the warm start without end; the first is a large one."""
        rows = self.settings.generated
        yield self.layout.codes_of(self.start.sample(SHARES_FROM, rng), device)
        while True:
            many = self.layout.codes_of(self.start.sample(10 * rows, rng), device)
            for first in range(0, 10 * rows, rows):
                yield Codes(*(part[first : first + rows] for part in many))

    def _tokens(self, start_from: Tokens, refined: Codes) -> Tokens:
        visits = refined.visits.cpu().numpy().astype(np.int16)
        visits[start_from.visits == PAD] = PAD
        static = refined.static[:, : self.layout.facts].cpu().numpy().astype(np.int16)
        return Tokens(static=static, visits=visits, length=start_from.length)


class Duel:
    """Critic and generator, their optimisers, and the generator's moving average.

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
        """Towards what the critic scores high."""
        _, record, change = self.generator(drawn, draws, self.settings.temperature)
        loss = generator_loss(self.critic, record) + self.settings.leash * change
        parameters = list(self.generator.parameters())
        gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        self.adam.step()
        self.turns += 1
        _average(self.kept, self.generator, min(self.settings.decay, self.turns / (self.turns + 9)))

    def packed(self) -> dict[str, Tensor]:
        """All of it under names of its own, for the checkpoint, which is internal."""
        held = {"turns": torch.tensor(self.turns)}
        for name, module in self._modules().items():
            held |= {f"{name}.{key}": value for key, value in module.state_dict().items()}
        for name, optimizer in self._optimizers().items():
            for index, moments in optimizer.state_dict()["state"].items():
                held |= {f"{name}.{index}.{key}": value for key, value in moments.items()}
        return held

    def unpack(self, held: Mapping[str, Tensor]) -> None:
        """Inverse of `packed`."""
        self.turns = int(held["turns"])
        for name, module in self._modules().items():
            module.load_state_dict(_under(name, held))
        for name, optimizer in self._optimizers().items():
            moments: dict[int, dict[str, Tensor]] = {}
            for key, value in _under(name, held).items():
                index, part = key.split(".")
                moments.setdefault(int(index), {})[part] = value
            optimizer.load_state_dict(optimizer.state_dict() | {"state": moments})

    def _modules(self) -> dict[str, nn.Module]:
        return {"generator": self.generator, "kept": self.kept, "critic": self.critic}

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"adam": self.adam, "critic_adam": self.critic_adam}


def _under(name: str, held: Mapping[str, Tensor]) -> dict[str, Tensor]:
    prefix = f"{name}."
    return {k.removeprefix(prefix): v for k, v in held.items() if k.startswith(prefix)}


def _average(kept: nn.Module, net: nn.Module, decay: float) -> None:
    """Move the kept weights towards the net's by 1 - decay."""
    with torch.no_grad():
        for old, new in zip(kept.parameters(), net.parameters(), strict=True):
            old.lerp_(new, 1 - decay)
