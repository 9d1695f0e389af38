"""A recurrent network that reads visits one after another."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from dpsynth.data.codec import GAP
from dpsynth.evaluation.utility.families.family import Ask, Family
from dpsynth.evaluation.utility.families.plain import Plain
from dpsynth.evaluation.utility.task import Task, as_floats

VISITS = 24  # read of each patient, the latest
EPOCHS = 8
BATCH = 128
WIDTH = 32
RATE = 5e-3  # of Adam
ASKED = 1000  # samples asked about at a time


class Recurrent(nn.Module):
    """Visits in turn, then everything else.

    Shape:
        visits: (batch, time, fields), zero where there is no visit yet
        rest:   (batch, features), what is of no earlier visit
        return: (batch,), logit of the chance
    """

    def __init__(self, fields: int, features: int) -> None:
        super().__init__()
        self.gru = nn.GRU(fields, WIDTH, batch_first=True)
        self.head = nn.Linear(WIDTH + features, 1)

    def forward(self, visits: Tensor, rest: Tensor) -> Tensor:
        """Logits."""
        _, last = self.gru(visits)
        logit: Tensor = self.head(torch.cat([last[0], rest], dim=1))[:, 0]
        return logit


class Inputs:
    """The way from samples to what the network reads, as training samples set it."""

    def __init__(self, train: Task) -> None:
        self._rest = [i for i, name in enumerate(train.features) if not name.endswith("]")]
        self._rest += [i for i, name in enumerate(train.features) if name.endswith(" [now]")]
        fields = train.fields
        self.rest = Plain(train.X[:, self._rest], [fields[place] for place in self._rest])
        visits, there = sequences(train)
        self.visit = Plain(visits[there], train.codec.visit)

    def __call__(self, task: Task) -> tuple[Tensor, Tensor]:
        """Visits, each with a mark that it is there, and the rest."""
        visits, there = sequences(task)
        made = np.zeros((*there.shape, self.visit.width + 1), dtype=np.float32)
        made[there] = np.pad(self.visit(visits[there]), ((0, 0), (0, 1)), constant_values=1)
        return torch.from_numpy(made), torch.from_numpy(self.rest(task.X[:, self._rest]))


def sequences(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """The latest visits of each sample, aligned at their end, and where there is one."""
    steps = min(task.codec.max_visits, VISITS)
    turn = task.end[:, None] - np.arange(steps, 0, -1)[None, :]
    codes = task.tokens.visits[task.patient[:, None], np.maximum(turn, 0)]
    visits = as_floats(codes, task.codec.visit)
    for place, field in enumerate(task.codec.visit):
        if field.name == GAP:  # before a first visit there is none
            visits[..., place][turn == 0] = np.nan
    return visits, turn >= 0


def fit(train: Task, seed: int) -> Ask:
    """Learn for EPOCHS epochs on the CPU; torch's own generator stays as it was."""
    inputs, rng = Inputs(train), np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = Recurrent(inputs.visit.width + 1, inputs.rest.width)
    visits, rest = inputs(train)
    y = torch.from_numpy(train.y.astype(np.float32))
    optimizer = torch.optim.Adam(net.parameters(), lr=RATE)
    for _ in range(EPOCHS):
        order = torch.from_numpy(rng.permutation(len(y)))
        for start in range(0, len(y), BATCH):
            batch = order[start : start + BATCH]
            logit = net(visits[batch], rest[batch])
            loss = functional.binary_cross_entropy_with_logits(logit, y[batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    def ask(task: Task) -> np.ndarray:
        parts = np.array_split(np.arange(len(task.y)), len(task.y) // ASKED + 1)
        with torch.no_grad():
            chances = [torch.sigmoid(net(*inputs(task.take(part)))).numpy() for part in parts]
        return np.concatenate(chances).astype(np.float64)

    return ask


GRU = Family(title="Recurrent network over visits", fit=fit, samples=3000)
