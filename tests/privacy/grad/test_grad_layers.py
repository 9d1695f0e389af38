"""Each rule gives, layer by layer, what a loop over single patients gives."""

from collections.abc import Callable

import pytest
import torch
from gradient_oracle import looped_sum
from torch import Tensor, nn

from dpsynth.privacy.grad import Position, clipped_sum

PATIENTS = 5
Make = Callable[[], nn.Module]


class PlusTokens(nn.Module):
    """A position for tokens that all see the same vector."""

    def __init__(self) -> None:
        super().__init__()
        self.position = Position(4, std=1.0)

    def forward(self, x: Tensor) -> Tensor:
        return self.position(x)


LAYERS: dict[str, tuple[Make, tuple[int, ...]]] = {
    "linear, one position": (lambda: nn.Linear(6, 3), (6,)),
    "linear, no bias": (lambda: nn.Linear(6, 3, bias=False), (6,)),
    "linear over few tokens, ghost": (lambda: nn.Linear(64, 48), (3, 64)),
    "linear over many tokens, stored": (lambda: nn.Linear(6, 3), (30, 6)),
    "linear over a grid": (lambda: nn.Linear(6, 3), (2, 5, 6)),
    "layer norm, one position": (lambda: nn.LayerNorm(6), (6,)),
    "layer norm over tokens": (lambda: nn.LayerNorm(6), (4, 6)),
    "layer norm over two axes": (lambda: nn.LayerNorm((4, 6)), (3, 4, 6)),
    "layer norm, no bias": (lambda: nn.LayerNorm(6, bias=False), (4, 6)),
    "position": (lambda: Position(4, 6, std=1.0), (4, 6)),
    "position, one vector for all tokens": (PlusTokens, (3, 4)),
    "position, broadcast inside": (lambda: Position(3, 1, std=1.0), (3, 5)),
    "group norm": (lambda: nn.GroupNorm(2, 6), (6, 3, 4)),
    "group norm over tokens": (lambda: nn.GroupNorm(3, 6), (6, 5)),
    "group norm, no positions": (lambda: nn.GroupNorm(3, 6), (6,)),
    "conv 3x3, large, stored": (lambda: nn.Conv2d(3, 4, 3, padding=1), (3, 9, 9)),
    "conv 3x3, small, ghost": (lambda: nn.Conv2d(24, 32, 3, padding=1), (24, 3, 3)),
    "conv to one channel": (lambda: nn.Conv2d(8, 1, (3, 4), padding=(1, 2)), (8, 6, 5)),
    "conv to one channel, wide padding": (lambda: nn.Conv2d(8, 1, 2, padding=3), (8, 5, 4)),
    "conv 1x1": (lambda: nn.Conv2d(3, 5, 1), (3, 4, 6)),
    "conv 1x1, ghost": (lambda: nn.Conv2d(64, 64, 1), (64, 2, 2)),
    "conv, no padding, no bias": (lambda: nn.Conv2d(3, 4, 3, bias=False), (3, 6, 5)),
    "conv with stride, stored": (lambda: nn.Conv2d(2, 3, 4, stride=2, padding=1), (2, 9, 8)),
    "conv with stride, ghost": (lambda: nn.Conv2d(32, 16, 4, stride=2, padding=1), (32, 4, 5)),
    "conv, stride over the kernel": (lambda: nn.Conv2d(2, 3, 2, stride=3), (2, 8, 9)),
    "conv, input beyond the last step": (lambda: nn.Conv2d(2, 3, 3, stride=2), (2, 8, 6)),
    "conv, uneven shapes": (
        lambda: nn.Conv2d(2, 3, (3, 2), stride=(1, 2), padding=(2, 0), dilation=(2, 1)),
        (2, 6, 7),
    ),
    "conv, dilated with stride": (lambda: nn.Conv2d(2, 3, 3, 2, 2, dilation=3), (2, 9, 9)),
    "conv, more padding than input": (lambda: nn.Conv2d(2, 3, 5, padding=4), (2, 2, 2)),
}
INDICES: dict[str, tuple[Make, tuple[int, ...]]] = {
    "embedding, one position": (lambda: nn.Embedding(4, 3), ()),
    "embedding over tokens that repeat": (lambda: nn.Embedding(4, 3), (7,)),
    "embedding, padding": (lambda: nn.Embedding(4, 3, padding_idx=1), (7,)),
    "embedding over a grid": (lambda: nn.Embedding(4, 3), (2, 3)),
}


def bent_loss(model: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """A loss whose gradient differs in every output and every row."""
    out = model(x).flatten(1)
    return (out * target[:, : out.shape[1]]).sin().sum(1) * (1 + target[:, 0].abs())


def scene(name: str, views: int) -> tuple[nn.Module, tuple[Tensor, ...]]:
    generator = torch.Generator().manual_seed(3)
    rows = PATIENTS * views
    target = torch.randn(rows, 400, generator=generator)
    make, shape = (LAYERS | INDICES)[name]
    model = make()
    for p in model.parameters():
        p.data = torch.randn(p.shape, generator=generator) / 4
    if name in INDICES:
        return model, (torch.randint(4, (rows, *shape), generator=generator), target)
    return model, (torch.randn(rows, *shape, generator=generator), target)


@pytest.mark.parametrize("views", [1, 4])
@pytest.mark.parametrize("name", [*LAYERS, *INDICES])
def test_layer_sums_the_gradients_that_a_loop_sums(name: str, views: int):
    model, rows = scene(name, views)
    found = clipped_sum(model, bent_loss, rows, clip_norm=1e6, views=views)
    truth = looped_sum(model, bent_loss, rows, clip_norm=1e6, views=views)
    torch.testing.assert_close(found, truth, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("views", [1, 4])
@pytest.mark.parametrize("name", [*LAYERS, *INDICES])
def test_layer_clips_each_patient_as_a_loop_clips(name: str, views: int):
    model, rows = scene(name, views)
    found = clipped_sum(model, bent_loss, rows, clip_norm=0.5, views=views)
    truth = looped_sum(model, bent_loss, rows, clip_norm=0.5, views=views)
    torch.testing.assert_close(found, truth, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("clip_norm", [0.5, 1e6])
@pytest.mark.parametrize("name", [*LAYERS, *INDICES])
def test_fast_route_equals_vmap(name: str, clip_norm: float):
    model, rows = scene(name, views=2)
    fast = clipped_sum(model, bent_loss, rows, clip_norm=clip_norm, views=2)
    slow = clipped_sum(model, bent_loss, rows, clip_norm=clip_norm, views=2, route="vmap")
    torch.testing.assert_close(fast, slow, rtol=1e-3, atol=1e-4)
