"""What a copy of labelled pictures is worth: models trained on it, tested on real pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from torch import Tensor, nn
from torch.nn import functional

BATCH, STEPS, RATE = 128, 400, 2e-3  # of the network, whatever it is trained on
RESAMPLES = 500
SMALL = 0.05  # inverse strength of the logistic regression's pull to zero


class Cnn(nn.Sequential):
    """Three convolutions and one linear layer.

    Shape:
        (rows, channels, size, size) -> (rows, 1)
    """

    def __init__(self, channels: int) -> None:
        super().__init__(
            nn.Conv2d(channels, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(3),
            nn.Flatten(), nn.Dropout(0.3), nn.Linear(288, 1),
        )  # fmt: skip


def rows(
    made: tuple[np.ndarray, np.ndarray], held: tuple[np.ndarray, np.ndarray], seed: int
) -> list[dict[str, Any]]:
    """AUC and balanced accuracy of both models, with intervals over real pictures.

    The threshold of the balanced accuracy is the share of positives in the copy: it is taken
    from the copy alone.

    Args:
        made: pictures (n, size, size, channels) uint8 and labels (n,) bool of the copy.
        held: those of real pictures that nobody trained on.
        seed: of the network and of the resamples.
    """
    found = []
    for name, (train, test) in {
        "logistic": _logistic(made, held[0]), "cnn": _cnn(made, held[0], seed)
    }.items():  # fmt: skip
        cut = np.quantile(train, 1 - made[1].mean())
        scores = {
            f"tstr_auc_{name}": lambda i, t=test: roc_auc_score(held[1][i], t[i]),
            f"tstr_balanced_accuracy_{name}": lambda i, t=test, c=cut: balanced_accuracy_score(
                held[1][i], t[i] > c
            ),
        }
        for metric, score in scores.items():
            low, high = interval(score, len(test), seed)
            value = float(score(np.arange(len(test))))
            found.append(
                {"metric": metric, "value": value, "low": low, "high": high, "n": len(test)}
            )
    return found


def interval(score: Any, n: int, seed: int) -> tuple[float, float]:
    rng = np.random.default_rng(seed)
    drawn = [score(rng.integers(0, n, n)) for _ in range(RESAMPLES)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def scaled(pictures: np.ndarray) -> np.ndarray:
    return pictures.astype(np.float32) / 127.5 - 1


def _logistic(
    made: tuple[np.ndarray, np.ndarray], held: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Scores of the copy and of real pictures."""
    flat = [scaled(each).reshape(len(each), -1) for each in (made[0], held)]
    model = LogisticRegression(C=SMALL, max_iter=1000).fit(flat[0], made[1])
    return model.decision_function(flat[0]), model.decision_function(flat[1])


def _cnn(
    made: tuple[np.ndarray, np.ndarray], held: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The same of the network, at the last step."""
    torch.manual_seed(seed)
    x, seen = (torch.from_numpy(scaled(e)).permute(0, 3, 1, 2) for e in (made[0], held))
    y, net = torch.from_numpy(made[1].astype(np.float32)), Cnn(made[0].shape[-1])
    optimizer = torch.optim.Adam(net.parameters(), lr=RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, STEPS)
    for _ in range(STEPS):
        batch = torch.randint(len(x), (BATCH,))
        loss = functional.binary_cross_entropy_with_logits(net(x[batch])[:, 0], y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    net.eval()

    def told(pictures: Tensor) -> np.ndarray:
        with torch.no_grad():
            return torch.cat([net(part)[:, 0] for part in pictures.split(1024)]).numpy()

    return told(x), told(seen)
