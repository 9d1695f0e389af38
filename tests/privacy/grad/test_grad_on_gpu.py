"""On a GPU the fast route gives what vmap gives there."""

import pytest
import torch
from torch import Tensor, nn

from dpsynth.privacy.grad import Position, clipped_sum


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("views", [1, 4])
def test_fast_route_equals_vmap_on_a_gpu(views: int):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.GroupNorm(4, 16),
        nn.Conv2d(16, 32, 3, stride=2, padding=1),
        nn.Flatten(2),
        Position(32, 16),
        nn.LayerNorm(16),
        nn.Linear(16, 24),
        nn.Flatten(),
        nn.Linear(768, 2),
    ).cuda()

    def loss(model: nn.Module, x: Tensor) -> Tensor:
        return model(x).square().sum(1)

    rows = (torch.randn(6 * views, 1, 8, 8, device="cuda"),)
    fast = clipped_sum(model, loss, rows, clip_norm=0.5, views=views)
    slow = clipped_sum(model, loss, rows, clip_norm=0.5, views=views, route="vmap")
    torch.testing.assert_close(fast, slow, rtol=1e-3, atol=1e-5)
