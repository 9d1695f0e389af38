"""Models that are trained on a copy's pictures and asked about real ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn
from torch.nn import functional

BATCH, STEPS, RATE = 128, 400, 2e-3  # of the network, whatever it is trained on
SMALL = 0.05  # inverse strength of the logistic regression's pull to zero

Loss = Callable[[Tensor, Tensor], Tensor]


class Cnn(nn.Sequential):
    """Three convolutions and one linear layer.

    Shape:
        (rows, channels, size, size) -> (rows, outputs)
    """

    def __init__(self, channels: int, outputs: int = 1) -> None:
        super().__init__(
            nn.Conv2d(channels, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(3),
            nn.Flatten(), nn.Dropout(0.3), nn.Linear(288, outputs),
        )  # fmt: skip


def logistic(made: np.ndarray, label: np.ndarray, held: np.ndarray) -> tuple[np.ndarray, ...]:
    """Scores of the copy and of real pictures, by logistic regression on pixels.

    Shape:
        made, held: (pictures, size, size, channels) uint8; label: (pictures,) bool
        return: (pictures,) of the copy, (pictures,) of the real ones
    """
    flat = [scaled(each).reshape(len(each), -1) for each in (made, held)]
    model = LogisticRegression(C=SMALL, max_iter=1000).fit(flat[0], label)
    return model.decision_function(flat[0]), model.decision_function(flat[1])


def cnn(made: np.ndarray, label: np.ndarray, held: np.ndarray, seed: int) -> tuple[np.ndarray, ...]:
    """The same of the network, at the last step."""

    def loss(said: Tensor, truth: Tensor) -> Tensor:
        return functional.binary_cross_entropy_with_logits(said[:, 0], truth)

    truth = torch.from_numpy(label.astype(np.float32))
    return tuple(each[:, 0] for each in _trained(made, truth, held, 1, loss, seed))


def classes(
    made: np.ndarray, kind: np.ndarray, held: np.ndarray, kinds: int, seed: int
) -> np.ndarray:
    """(pictures, kinds) log chances of each class for real pictures, were all equally frequent.

    The network says more of a class than its logit the rarer it is in the copy (Menon et al.,
    Long-tail learning via logit adjustment, ICLR 2021). A class that the copy lacks gets -inf.
    """
    share = np.bincount(kind, minlength=kinds) / len(kind)
    truth = torch.from_numpy(kind.astype(np.int64))
    _, said = _trained(made, truth, held, kinds, functional.cross_entropy, seed)
    with np.errstate(divide="ignore"):
        return np.where(share > 0, said - np.log(share), -np.inf)


def scaled(pictures: np.ndarray) -> np.ndarray:
    return pictures.astype(np.float32) / 127.5 - 1


def _trained(
    made: np.ndarray, truth: Tensor, held: np.ndarray, outputs: int, loss: Loss, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """What a network trained on the copy says of the copy and of real pictures."""
    torch.manual_seed(seed)
    x, seen = (torch.from_numpy(scaled(e)).permute(0, 3, 1, 2) for e in (made, held))
    net = Cnn(made.shape[-1], outputs)
    optimizer = torch.optim.Adam(net.parameters(), lr=RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, STEPS)
    for _ in range(STEPS):
        batch = torch.randint(len(x), (BATCH,))
        wrong = loss(net(x[batch]), truth[batch])
        optimizer.zero_grad()
        wrong.backward()
        optimizer.step()
        schedule.step()
    net.eval()

    def told(pictures: Tensor) -> np.ndarray:
        with torch.no_grad():
            return torch.cat([net(part) for part in pictures.split(1024)]).numpy()

    return told(x), told(seen)
