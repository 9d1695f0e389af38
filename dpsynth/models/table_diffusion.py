"""Masked diffusion over a patient's tokens, warmed up on noisy tables, then trained by DP-SGD."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dpsynth.data.codec import PAD, Codec, Tokens
from dpsynth.models import gate
from dpsynth.models.base import Progress, dpsgd, planned, quiet
from dpsynth.models.descent import descend
from dpsynth.models.diffusion_settings import HEADS, Settings, share_of_tables
from dpsynth.models.gate import Gate
from dpsynth.models.masked import MaskedObjective, generate
from dpsynth.models.nets.visit_net import VisitNet
from dpsynth.models.packing import as_arrays, as_tensors, under
from dpsynth.models.settings import chosen
from dpsynth.models.state import State
from dpsynth.models.warm import WarmStart, joined
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.draws import RowDraws
from dpsynth.privacy.plan import Plan
from dpsynth.schema import Schema


class TableDiffusion:
    """See `nets.visit_net` for the network and `masked` for objective and sampler.

    The warm start asks for tables and moments, fits a log-linear chain to them, and gives the
    network samples of that chain to learn from, without end; DP-SGD then goes on from there.
    The network's logits are added to those of each column's own noisy table. It has the
    visits; facts and the number of visits are the chain's, which spends no noise on them. A
    label is drawn last by the warm start's classifier: of the patient given the record, of a
    visit given the visit and what came before. One last question asks whether patients are
    nearer to the network than to the chain (see `gate`); where they are not, the chain is what
    is sampled. All that is learnt is a function of the door's answers. Groups that weigh less in
    training (`plan.groups`) keep their shares: the network learns visits given the facts.

    Args:
        schema, codec, plan: public, or released.
        settings: fields of `Settings`.
    """

    def __init__(self, schema: Schema, codec: Codec, plan: Plan, **settings: Any) -> None:
        self.settings = chosen(Settings, "table-diffusion", settings)
        self.codec, self.plan_ = codec, plan
        self._start = WarmStart(schema, codec, plan)
        self.gate: Gate | None = None
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
        """Tables, DP-SGD, and the gate; what private columns need first."""
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

        def releases(left: float) -> tuple[tuple[str, float], ...]:
            return (
                *WarmStart.releases(schema, left * share),
                (gate.NAME, left * wanted.gate_share),
            )

        return planned(
            schema,
            budget,
            releases,
            count_epsilon=count_epsilon,
            training=training,
            bounds_share=wanted.bounds_share,
        )

    def fit(self, door: Door, state: State, progress: Progress, device: torch.device) -> None:
        """Warm up, train, keep the moving average of the weights, and ask whether it is better."""
        start = self._start
        start.fit(door, state, progress)
        self.objective.base = start.own_logits(self.objective.facts)
        training = self.plan_.training
        assert training is not None
        self.net.to(device)
        asked = self.settings
        self.net = descend(
            self.net,
            self.objective,
            door,
            state,
            training.steps,
            rate=asked.rate,
            decay=asked.decay,
            save_every=asked.save_every,
            progress=progress,
            warm_up=lambda: self._warm_up(progress, device),
        )
        self.gate = gate.ask(
            door,
            state,
            self.codec,
            trained=lambda rows: self._trained(rows, {}, _fresh(), quiet, device),
            warm=lambda rows: start.sample(rows, np.random.default_rng()),
            total=start.total,
            groups=self.plan_.groups,
        )

    def tensors(self) -> dict[str, Tensor]:
        """The averaged weights, the warm start that they are added to, and what the gate found."""
        assert self.gate is not None
        held = {f"net.{name}": value for name, value in self.net.state_dict().items()}
        start = as_tensors(self._start.arrays())
        held |= {f"start.{name}": value for name, value in start.items()}
        return held | {"gate": self.gate.numbers}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take up saved weights."""
        self.gate = Gate.of(tensors["gate"])
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
        """From the network where the gate is open, else from the chain."""
        if self.gate is not None and not self.gate.open:
            made = self._start.sample(patients, np.random.default_rng(seed), where)
            progress("generating", patients, patients)
            return made
        return self._trained(patients, where, seed, progress, device, chunk)

    def _trained(
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


def _fresh() -> int:
    return int(np.random.default_rng().integers(2**63))
