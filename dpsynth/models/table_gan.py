"""A GAN over a patient's record whose generator refines the samples of a noisy warm start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dpsynth.data.codec import PAD, Codec, Tokens
from dpsynth.models.adversary import MEANS, RealHalf
from dpsynth.models.base import Progress, dpsgd, planned
from dpsynth.models.duel import Duel
from dpsynth.models.gan_settings import HEADS, Settings
from dpsynth.models.generator import Generator
from dpsynth.models.layout import Codes, Layout, Record
from dpsynth.models.nets.critic import Critic
from dpsynth.models.packing import as_arrays, as_tensors, under
from dpsynth.models.settings import chosen
from dpsynth.models.state import State
from dpsynth.models.warm import WarmStart, joined
from dpsynth.models.weighing import factors_of
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.plan import Plan
from dpsynth.schema import Schema

SHARES_FROM = 4096  # samples of the warm start that shares of codes are taken from


class TableGan:
    """A GAN: its generator refines a noisy warm start's samples, its critic learns by DP-SGD.

    The generator begins at the warm start exactly (see `generator`). The real half of the
    critic's gradient comes from the door, clipped per patient and noisy; the generated half
    is added without noise. The generator learns from the critic alone, as much as its leash
    to the warm start allows. All that is learnt is a function of the door's answers; the
    critic is dropped at the end.

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
        """The warm start, then DP-SGD; what private columns need first."""
        wanted = chosen(Settings, "table-gan", settings)
        batch = wanted.batch or min(max(budget.population // 8, 64), 1024)
        training = dpsgd(
            budget,
            batch,
            clip_norm=wanted.clip_norm,
            steps=wanted.steps,
        )
        return planned(
            schema,
            budget,
            lambda _: WarmStart.releases(schema, wanted.tables_share),
            count_epsilon=count_epsilon,
            training=training,
            bounds_share=wanted.bounds_share,
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
        factors = factors_of(self.plan_.groups, self.codec, self.layout.static_codes)
        duel = Duel(self.generator, self._critic(device), self._play, asked, MEANS, factors)
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
        held = {f"start.{k}": v for k, v in as_tensors(self.start.arrays()).items()}
        return held | {f"generator.{k}": v for k, v in self.generator.state_dict().items()}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take up what `tensors` gave."""
        self.start.take_up(as_arrays(under("start", tensors)))
        self.generator.load_state_dict(under("generator", tensors))

    def sample(
        self,
        patients: int,
        where: Mapping[int, int],
        seed: int,
        progress: Progress,
        device: torch.device,
        chunk: int = 2048,
    ) -> Tokens:
        """Samples of the warm start, refined; what `where` fixes stays as it is.

        A static label that is not asked for is drawn again, from the refined record.
        """
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
            if self.start.label not in where:
                self.start.relabel(parts[-1], rng)
            if patients:
                progress("generating", min(start + chunk, patients), patients)
        return joined(parts)

    def _critic(self, device: torch.device) -> Critic:
        layout = self.layout
        width = self.settings.critic_width
        return Critic(layout.static, layout.visit, layout.max_visits, width).to(device)

    def _play(self, drawn: Codes, draws: torch.Generator) -> tuple[Record, Tensor]:
        return self.generator(drawn, draws, self.settings.temperature)[1:]

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
