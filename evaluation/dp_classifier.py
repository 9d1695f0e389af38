"""The bar for utility: the judge's network trained on real pictures by DP-SGD, no copy between.

Whoever has one task only may ask the budget for that task. A copy serves other tasks too, so
it may cost something against this bar; how much, the table shows.
"""

from __future__ import annotations

import copy
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from torch import Tensor, nn
from torch.nn import functional

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from copies import DELTA  # noqa: E402
from picture_door import labelled, opened  # noqa: E402
from picture_judge import RESAMPLES  # noqa: E402
from picture_nets import Cnn, scaled  # noqa: E402

from dpsynth.data.codec import Codec  # noqa: E402
from dpsynth.data.records import Records  # noqa: E402
from dpsynth.evaluation.shown import Shown  # noqa: E402
from dpsynth.models.base import dpsgd  # noqa: E402
from dpsynth.models.packing import average  # noqa: E402
from dpsynth.privacy.accountant import calibrate  # noqa: E402
from dpsynth.privacy.budget import Budget  # noqa: E402
from dpsynth.privacy.draws import RowDraws  # noqa: E402
from dpsynth.privacy.query import Query, Slot  # noqa: E402

NAME = "dp-classifier"
BATCH, STEPS, RATE, CLIP, DECAY = 256, 100, 4e-2, 1.0, 0.9
LABELS = 0.02  # of the budget, for the number of positives


class Told:
    """Cross-entropy of a patient's picture: a DP-SGD objective."""

    def prepare(self, rows: tuple[Tensor, ...], draws: RowDraws) -> tuple[Tensor, ...]:
        """One picture of each patient, its class, and whether there is one."""
        return labelled(rows, draws)

    def loss(self, model: nn.Module, x: Tensor, code: Tensor, here: Tensor) -> Tensor:
        """(rows,) of each row alone."""
        wrong = functional.binary_cross_entropy_with_logits(
            model(x)[:, 0], (code == 1).float(), reduction="none"
        )
        return torch.where(here, wrong, 0.0)


def without_dropout(channels: int) -> nn.Sequential:
    """The judge's network, all of it deterministic, so that a gradient is a patient's own."""
    return nn.Sequential(*(part for part in Cnn(channels) if not isinstance(part, nn.Dropout)))


def trained(
    train: Records, books: Codec, population: int, epsilon: float, seed: int
) -> tuple[nn.Module, float]:
    """The moving average of the weights at the last step, and the log-odds of a positive.

    A small share of the budget asks how many are positive: training begins at those odds, and
    a picture is called positive where it raises them.
    """
    torch.manual_seed(seed)
    assert books.picture is not None
    promise = Budget(epsilon=epsilon, delta=DELTA, population=population)
    training = dpsgd(promise, min(BATCH, population), clip_norm=CLIP, steps=STEPS)
    plan = calibrate(promise, (("labels", LABELS),), training)
    door, net = opened(train, books, plan, seed), without_dropout(books.picture.channels)
    found = door.measure("labels", [Query(slots=(Slot("now", 0),))])[0]
    held = np.maximum(found, 1.0)
    odds = float(np.log(held[1] / held[0]))
    nn.init.constant_(net[-1].bias, odds)  # type: ignore[arg-type]
    kept, told = copy.deepcopy(net), Told()
    optimizer = torch.optim.Adam(net.parameters(), lr=RATE)
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - 0.9 * step / STEPS)
        door.step(net, told)
        optimizer.step()
        average(kept, net, min(DECAY, (step + 1) / (step + 10)))
    return kept.eval(), odds


def rows(
    train: Records,
    books: Codec,
    population: int,
    held: Shown,
    epsilon: float,
    seed: int,
) -> list[dict[str, Any]]:
    """AUC and balanced accuracy on real pictures that nobody trained on, and seconds.

    The threshold of the balanced accuracy is that of `trained`; nothing is asked for it beyond
    the budget.

    Args:
        train: the training part, for the door.
        books, population: public.
        held: pictures of the test part, one of each patient.
        epsilon: of the training, with delta `DELTA`.
        seed: of noise, network and resamples.
    """
    began = time.perf_counter()
    net, odds = trained(train, books, population, epsilon, seed)
    took = time.perf_counter() - began
    with torch.no_grad():
        seen = torch.from_numpy(scaled(held.pixels)).permute(0, 3, 1, 2)
        said = net(seen)[:, 0].numpy()
    scores = {
        "dp_trained_auc_cnn": lambda i: roc_auc_score(held.positive[i], said[i]),
        "dp_trained_balanced_accuracy_cnn": lambda i: balanced_accuracy_score(
            held.positive[i], said[i] > odds
        ),
    }
    found: list[dict[str, Any]] = []
    for metric, score in scores.items():
        low, high = _interval(score, len(said), seed)
        value = float(score(np.arange(len(said))))
        found.append({"metric": metric, "value": value, "low": low, "high": high, "n": len(said)})
    return [*found, {"metric": "train_s", "value": took}]


def _interval(score: Callable[[np.ndarray], float], n: int, seed: int) -> tuple[float, float]:
    """Over resampled pictures, each of its own patient."""
    rng = np.random.default_rng(seed)
    low, high = np.quantile(
        [score(rng.integers(0, n, n)) for _ in range(RESAMPLES)], [0.025, 0.975]
    )
    return float(low), float(high)
