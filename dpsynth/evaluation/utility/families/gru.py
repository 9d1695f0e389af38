"""A recurrent network that reads visits one after another."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from dpsynth.evaluation.estimate import subsample
from dpsynth.evaluation.utility.boosting import Chances
from dpsynth.evaluation.utility.families.prepared import Preparation, preparation
from dpsynth.evaluation.utility.feature import Feature
from dpsynth.evaluation.utility.task import Task

WIDTH = 32
ROUNDS = 10  # through the training samples
BATCH = 128
RATE = 3e-3  # step size of Adam
SAMPLES = 5_000  # to train on, at most; more are drawn down at random
VISITS = 24  # that are read, at most: the latest


class Reader(nn.Module):
    """Visits first, then what is known of the patient.

    Shape:
        visits: (batch, time, columns), aligned at the end
        static: (batch, features)
        return: (batch,) logits
    """

    def __init__(self, columns: int, features: int) -> None:
        super().__init__()
        self.over_time = nn.GRU(columns, WIDTH, batch_first=True)
        self.mix = nn.Linear(WIDTH + features, WIDTH)
        self.out = nn.Linear(WIDTH, 1)

    def forward(self, visits: torch.Tensor, static: torch.Tensor) -> torch.Tensor:
        """Logits."""
        last = self.over_time(visits)[0][:, -1]
        mixed = torch.relu(self.mix(torch.cat([last, static], dim=1)))
        return self.out(mixed)[:, 0]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a task's X is laid out as visits and the rest, learnt on training samples.

    Attributes:
        places: (time, columns) column of X of each visit's column, -1 where X has none.
        rest: columns of X that belong to no visit.
        visit, static: how codes become numbers.
    """

    places: np.ndarray
    rest: np.ndarray
    visit: Preparation
    static: Preparation

    def __call__(self, X: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Visits and statics of samples."""
        cube = self.visit(_flat(X, self.places)).reshape(len(X), len(self.places), -1)
        return torch.from_numpy(cube), torch.from_numpy(self.static(X[:, self.rest]))


def gru(train: Task, *, seed: int) -> Chances:
    """A gated recurrent network over visits, for a fixed number of rounds; on the CPU.

    Raises:
        ValueError: if no feature belongs to a visit.
    """
    used = train.take(subsample(len(train.y), SAMPLES, np.random.default_rng(seed)))
    read = reading(used)
    visits, static = read(used.X)
    # Draws from torch's one generator, and leaves it as it was.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = Reader(visits.shape[2], static.shape[1])
        _train(net, visits, static, torch.from_numpy(used.y.astype(np.float32)))

    def chances(task: Task) -> np.ndarray:
        with torch.inference_mode():
            found = [
                torch.sigmoid(net(*read(task.X[start : start + SAMPLES])))
                for start in range(0, len(task.y), SAMPLES)
            ]
        return torch.cat(found).numpy().astype(np.float64)

    return chances


def _train(net: Reader, visits: torch.Tensor, static: torch.Tensor, y: torch.Tensor) -> None:
    steps = torch.optim.Adam(net.parameters(), lr=RATE)
    for _ in range(ROUNDS):
        for batch in torch.randperm(len(y)).split(BATCH):
            loss = nn.functional.binary_cross_entropy_with_logits(
                net(visits[batch], static[batch]), y[batch]
            )
            steps.zero_grad()
            loss.backward()
            steps.step()


def reading(task: Task) -> Reading:
    """Learn the layout of a task's features, and how their codes become numbers.

    Raises:
        ValueError: if no feature belongs to a visit.
    """
    of_visits = [each for each in task.kinds if each.back is not None]
    if not of_visits:
        raise ValueError("a GRU needs visits; these samples have none")
    columns = {each.column: replace(each, back=None) for each in of_visits}
    times = sorted({each.back for each in of_visits if each.back is not None}, reverse=True)
    times = times[-VISITS:]
    places = np.full((len(times), len(columns)), -1)
    turn, order = {back: i for i, back in enumerate(times)}, {c: i for i, c in enumerate(columns)}
    for place, each in enumerate(task.kinds):
        if each.back in turn:
            places[turn[each.back], order[each.column]] = place
    rest = np.array([i for i, each in enumerate(task.kinds) if each.back is None], dtype=np.int64)
    statics: list[Feature] = [task.kinds[place] for place in rest]
    return Reading(
        places=places,
        rest=rest,
        visit=preparation(_flat(task.X, places), list(columns.values())),
        static=preparation(task.X[:, rest], statics),
    )


def _flat(X: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(samples * time, columns) codes of visits, NaN where X has none."""
    wide = np.concatenate([X, np.full((len(X), 1), np.nan, dtype=X.dtype)], axis=1)
    return wide[:, places.ravel()].reshape(len(X) * len(places), places.shape[1])
