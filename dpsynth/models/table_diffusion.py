"""Masked diffusion over a patient's tokens, warmed up on noisy tables, then trained by DP-SGD."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dpsynth.data.codec import PAD, Codec, Tokens
from dpsynth.models.base import Progress, dpsgd, planned
from dpsynth.models.masked import MaskedObjective, generate
from dpsynth.models.nets.visit_net import VisitNet
from dpsynth.models.packing import as_arrays, as_tensors, average, packed, under, unpack
from dpsynth.models.settings import check_ranges, check_together, chosen
from dpsynth.models.state import State
from dpsynth.models.warm import WarmStart, joined
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.draws import RowDraws
from dpsynth.privacy.plan import Plan
from dpsynth.schema import Schema

HEADS = 4  # of attention
SPLIT = ((1.0, 0.88), (10.0, 0.65))  # epsilon, and what the warm start has of the budget there
RANGES = {
    **dict.fromkeys(("batch", "steps", "views", "width", "depth", "save_every"), (1, math.inf)),
    **dict.fromkeys(("clip_norm", "rate", "warm_rate"), (1e-9, math.inf)),
    **dict.fromkeys(("tables_share", "bounds_share"), (1e-3, 1)),
    **dict.fromkeys(("warm_steps",), (0, math.inf)),
    "decay": (0, 1),
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to train. All public; none is chosen by looking at data.

    Attributes:
        tables_share: of the budget, for the tables and moments of the warm start; none takes
            `share_of_tables`.
        bounds_share: of the budget, for private bins and categories, if there are any.
        batch: expected patients per step; none takes population / 16 within 64 to 512.
        steps: of DP-SGD.
        views: maskings per patient, averaged before clipping.
        clip_norm: of one patient's gradient.
        rate: of Adam during DP-SGD.
        decay: longest memory of the moving average of weights.
        warm_steps, warm_rate: of training on samples of the tables, at no privacy cost.
        width, depth: of the network.
        save_every: steps between checkpoints.
    """

    tables_share: float | None = None
    bounds_share: float = 0.1
    batch: int | None = None
    steps: int = 200
    views: int = 2
    clip_norm: float = 0.3
    rate: float = 6e-4
    decay: float = 0.99
    warm_steps: int = 1600
    warm_rate: float = 2e-3
    width: int = 128
    depth: int = 2
    save_every: int = 20

    def __post_init__(self) -> None:
        """Check each number against its range.

        Raises:
            InputError: names the setting, its range and its value.
        """
        check_ranges(self, RANGES)
        share = self.tables_share or max(share for _, share in SPLIT)
        check_together(share, self.bounds_share, self.width, HEADS)


class TableDiffusion:
    """See `nets.visit_net` for the network and `masked` for objective and sampler.

    The warm start asks for tables and moments, fits a log-linear chain to them, and gives the
    network samples of that chain to learn from, without end; DP-SGD then goes on from there.
    The network's logits are added to those of each column's own noisy table. It has the
    visits; facts and the number of visits are the chain's, which spends no noise on them. A
    label is drawn last by the warm start's classifier: of the patient given the record, of a
    visit given the visit and what came before. All that is learnt is a function of the door's
    answers.

    Args:
        schema, codec, plan: public, or released.
        settings: fields of `Settings`.
    """

    def __init__(self, schema: Schema, codec: Codec, plan: Plan, **settings: Any) -> None:
        self.settings = chosen(Settings, "table-diffusion", settings)
        self.codec, self.plan_ = codec, plan
        self._start = WarmStart(schema, codec, plan)
        self.objective = MaskedObjective.of(codec, self._start.label)
        self.net = VisitNet(
            self.objective.static_sizes,
            self.objective.visit_sizes,
            codec.max_visits,
            width=self.settings.width,
            depth=self.settings.depth,
            heads=HEADS,
        )

    @staticmethod
    def plan(schema: Schema, budget: Budget, count_epsilon: float = 0.0, **settings: Any) -> Plan:
        """Tables, then DP-SGD; what private columns need first."""
        wanted = chosen(Settings, "table-diffusion", settings)
        share = wanted.tables_share or share_of_tables(budget.epsilon)
        batch = wanted.batch or min(max(budget.population // 16, 64), 512)
        training = dpsgd(
            budget,
            batch,
            clip_norm=wanted.clip_norm,
            steps=wanted.steps,
            views=wanted.views,
        )
        return planned(
            schema,
            budget,
            lambda _: WarmStart.releases(schema, share),
            count_epsilon=count_epsilon,
            training=training,
            bounds_share=wanted.bounds_share,
        )

    def fit(self, door: Door, state: State, progress: Progress, device: torch.device) -> None:
        """Warm up, train, and keep the moving average of the weights."""
        start = self._start
        start.fit(door, state, progress)
        self.objective.base = start.own_logits(self.objective.facts)
        training = self.plan_.training
        assert training is not None
        self.net.to(device)
        kept = copy.deepcopy(self.net)
        optimizer = torch.optim.Adam(self.net.parameters(), lr=self.settings.rate)
        modules, adam = {"net": self.net, "kept": kept}, {"adam": optimizer}
        restored = state.restore()
        if restored is None:
            self._warm_up(progress, device)
            kept.load_state_dict(self.net.state_dict())
            state.checkpoint(packed(modules, adam), 0)
        else:
            unpack(restored[0], modules, adam)
        for step in range(state.asked, training.steps):
            for group in optimizer.param_groups:
                group["lr"] = self.settings.rate * _ramp(step, training.steps)
            state.asking(step)
            door.step(self.net, self.objective)
            optimizer.step()
            average(kept, self.net, min(self.settings.decay, (step + 1) / (step + 10)))
            done = step + 1
            if done % self.settings.save_every == 0 or done == training.steps:
                state.checkpoint(packed(modules, adam), done)
            progress("training", done, training.steps)
        self.net = kept

    def tensors(self) -> dict[str, Tensor]:
        """The averaged weights, and the warm start that they are added to."""
        held = {f"net.{name}": value for name, value in self.net.state_dict().items()}
        start = as_tensors(self._start.arrays())
        return held | {f"start.{name}": value for name, value in start.items()}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take up saved weights."""
        self.net.load_state_dict(under("net", tensors))
        self._start.take_up(as_arrays(under("start", tensors)))
        self.objective.base = self._start.own_logits(self.objective.facts)

    def sample(
        self,
        patients: int,
        where: Mapping[int, int],
        seed: int,
        progress: Progress,
        device: torch.device,
        chunk: int = 2048,
    ) -> Tokens:
        """Facts and the number of visits from the chain, then visit after visit; a label last."""
        self.net.to(device).eval()
        draws = torch.Generator(device=device).manual_seed(seed)
        rng = np.random.default_rng(seed)

        def unlabelled(rows: int, fixed: Mapping[int, int]) -> Tokens:
            facts = torch.from_numpy(self._facts(rows, fixed, rng)).to(device)
            parts = []
            for start in range(0, max(rows, 1), chunk):
                batch = facts[start : start + chunk]
                parts.append(self._tokens(*generate(self.net, self.objective, batch, draws)))
                progress("generating", min(start + chunk, rows), rows)
            return joined(parts)

        return self._start.labelled(patients, rng, where, unlabelled)

    def _facts(self, rows: int, fixed: Mapping[int, int], rng: np.random.Generator) -> np.ndarray:
        """(rows, facts) what the network is given: the chain's draws, or masks but for `fixed`."""
        places = self.objective.facts
        if self.codec.max_visits:
            static, length = self._start.facts(rows, rng, fixed)
            held = static[:, places]
            if self.objective.counted:
                held = np.column_stack([held, length])
            return held if held.shape[1] else np.zeros((rows, 1), dtype=np.int64)
        codes = np.tile(np.array(self.objective.static_sizes), (rows, 1))
        for place, code in fixed.items():
            codes[:, places.index(place)] = code
        return codes

    def _warm_up(self, progress: Progress, device: torch.device) -> None:
        rng = np.random.default_rng()
        steps, rows = self.settings.warm_steps, 256
        optimizer = torch.optim.AdamW(self.net.parameters(), lr=self.settings.warm_rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(steps, 1))
        pool: tuple[Tensor, ...] = ()
        places = torch.arange(rows, device=device)
        for step in range(steps):
            turn = step % 10
            if turn == 0:
                pool = self._rows(self._start.sample(10 * rows, rng), device)
            part = tuple(each[turn * rows : (turn + 1) * rows] for each in pool)
            draws = RowDraws(places, int(rng.integers(2**63)))
            loss = self.objective.loss(self.net, *self.objective.prepare(part, draws)).mean()
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
            progress("warming up", step + 1, steps)

    def _rows(self, tokens: Tokens, device: torch.device) -> tuple[Tensor, ...]:
        arrays = (tokens.static, tokens.visits, tokens.length)
        return tuple(torch.from_numpy(a.astype(np.int64)).to(device) for a in arrays)

    def _tokens(self, static: Tensor, visits: Tensor) -> Tokens:
        """Cut what the network filled to the number of visits it drew."""
        facts, filled = static.cpu().numpy(), visits.cpu().numpy()
        fields = np.zeros((len(facts), len(self.codec.static)), dtype=np.int16)
        fields[:, self.objective.facts] = facts[:, : len(self.objective.facts)]
        length = np.full(len(facts), self.codec.max_visits)
        if self.objective.counted:
            length = facts[:, -1]
        filled[np.arange(self.codec.max_visits)[None, :] >= length[:, None]] = PAD
        return Tokens(
            static=fields,
            visits=filled.astype(np.int16),
            length=length.astype(np.int16),
        )


def share_of_tables(epsilon: float) -> float:
    """What the warm start has of the budget: the more, the less DP-SGD can learn.

    A straight line in the logarithm of epsilon between the ends of `SPLIT`, at which
    `models/table-diffusion/CARD.md` has what either share is worth.
    """
    ends, shares = zip(*SPLIT, strict=True)
    return float(np.interp(math.log(epsilon), np.log(ends), shares))


def _ramp(step: int, steps: int) -> float:
    """Ten steps up, then down to 0.3 in a straight line."""
    return min(1.0, (step + 1) / 10) * (1 - 0.7 * step / steps)
