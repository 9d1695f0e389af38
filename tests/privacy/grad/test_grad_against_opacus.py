"""Opacus, another implementation, gives the same per-patient gradients and the same clipped sum."""

import pytest
import torch
from gradient_oracle import MARGIN
from opacus.grad_sample import GradSampleModule
from torch import Tensor, nn

from dpsynth.privacy.grad import clipped_sum

CLIP = 0.4


def convolutional() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(2, 16, 3, padding=1),
        nn.GroupNorm(4, 16),
        nn.SiLU(),
        nn.Conv2d(16, 32, 4, stride=2, padding=1),
        nn.SiLU(),
        nn.Conv2d(32, 32, 3, padding=1),
        nn.Flatten(),
        nn.Linear(288, 3),
    )


def sequential() -> nn.Module:
    return nn.Sequential(
        nn.Linear(6, 32),
        nn.LayerNorm(32),
        nn.GELU(),
        nn.Linear(32, 32),
        nn.Flatten(),
        nn.Linear(288, 3),
    )


def loss(model: nn.Module, x: Tensor) -> Tensor:
    return model(x).square().sum(1)


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
@pytest.mark.parametrize("views", [1, 4])
@pytest.mark.parametrize(
    ("make", "shape"), [(convolutional, (2, 6, 6)), (sequential, (9, 6))], ids=["images", "visits"]
)
def test_clipped_sum_equals_that_of_opacus(make, shape: tuple[int, ...], views: int):
    torch.manual_seed(4)
    model, x = make(), torch.randn(5 * views, *shape)
    found = clipped_sum(model, loss, (x,), clip_norm=CLIP, views=views)
    private = GradSampleModule(model, loss_reduction="sum")
    loss(private, x).sum().backward()
    each = {n: p.grad_sample.view(5, views, *p.shape).mean(1) for n, p in model.named_parameters()}
    norms = torch.stack([g.flatten(1).norm(dim=1) for g in each.values()]).norm(dim=0)
    weights = (CLIP * (1 - MARGIN) / norms).clamp(max=1)
    truth = {n: torch.einsum("p,p...->...", weights, g) for n, g in each.items()}
    torch.testing.assert_close(found, truth, rtol=1e-3, atol=1e-5)
