"""What `clipped_sum` promises, attacked with the images of adversarial patients."""

import math

import pytest
import torch
from gradient_oracle import difference, joint_norm
from torch import Tensor, nn

from dpsynth.errors import InputError
from dpsynth.privacy.grad import clipped_sum
from dpsynth.privacy.grad.pieces import Chunks
from dpsynth.privacy.grad.rules.conv2d import Correlation

CLIP = 0.7


def scene(patients: int, views: int = 1) -> tuple[nn.Module, Tensor]:
    generator = torch.Generator().manual_seed(8)
    model = nn.Sequential(
        nn.Conv2d(1, 24, 3, padding=1),
        nn.GroupNorm(4, 24),
        nn.SiLU(),
        nn.Conv2d(24, 32, 4, stride=2, padding=1),
        nn.SiLU(),
        nn.Conv2d(32, 1, 3, padding=1),
    )
    for p in model.parameters():
        p.data = torch.randn(p.shape, generator=generator) / 3
    return model, torch.randn(patients * views, 1, 8, 8, generator=generator)


def loss(model: nn.Module, x: Tensor) -> Tensor:
    return (model(x) - x[:, :, ::2, ::2]).square().sum((1, 2, 3))


@pytest.mark.parametrize("value", [0.0, 1e-30, 1e10, 1e19, 1e20, -1e38, math.inf, math.nan])
def test_one_image_moves_the_sum_by_at_most_clip_norm(value: float):
    model, images = scene(9)
    images[0, 0, 3, 3] = value
    added = clipped_sum(model, loss, (images,), clip_norm=CLIP)
    without = clipped_sum(model, loss, (images[1:],), clip_norm=CLIP)
    alone = clipped_sum(model, loss, (images[:1],), clip_norm=CLIP)
    assert joint_norm(difference(added, without)) <= CLIP
    assert joint_norm(alone) <= CLIP


@pytest.mark.parametrize("piece", [Chunks, Correlation])
def test_replay_catches_a_convolution_that_is_not_clipped(
    monkeypatch: pytest.MonkeyPatch, piece: type
):
    model, images = scene(9)
    monkeypatch.setattr(piece, "squared", lambda self: self.each().flatten(1).sum(1) * 0)
    added = clipped_sum(model, loss, (images,), clip_norm=1e-3)
    without = clipped_sum(model, loss, (images[1:],), clip_norm=1e-3)
    assert joint_norm(difference(added, without)) > 1e-3


@pytest.mark.parametrize("views", [1, 4])
def test_an_image_of_nan_harms_no_other(views: int):
    model, images = scene(5, views)
    images[:views] = math.nan
    found = clipped_sum(model, loss, (images,), clip_norm=CLIP, views=views)
    truth = clipped_sum(model, loss, (images[views:],), clip_norm=CLIP, views=views)
    torch.testing.assert_close(found, truth)


@pytest.mark.parametrize("amplitude", [1e2, 1e3, 1e5])
def test_cancelling_terms_do_not_hide_a_convolution_from_its_norm(amplitude: float):
    # Nearly constant images meet output gradients of alternating sign; see the linear case.
    layer = nn.Conv2d(32, 32, 3, bias=False)
    generator = torch.Generator().manual_seed(1)
    x = amplitude * (1 + 1e-4 * torch.randn(1, 32, 6, 6, generator=generator))
    signs = torch.tensor([1.0, -1.0]).repeat(8).view(1, 1, 4, 4).expand(1, 32, 4, 4)

    def cancelling(model: nn.Module, x: Tensor, signs: Tensor) -> Tensor:
        return (model(x) * signs).sum((1, 2, 3))

    assert joint_norm(clipped_sum(layer, cancelling, (x, signs), clip_norm=CLIP)) <= CLIP


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (nn.Conv2d(2, 2, 3, groups=2), "groups=2"),
        (nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect"), "padding_mode='reflect'"),
        (nn.Conv2d(2, 2, 3, padding="same"), "padding='same'"),
        (nn.Embedding(3, 2, max_norm=1.0), "max_norm"),
        (nn.Embedding(3, 2, scale_grad_by_freq=True), "scale_grad_by_freq"),
        (nn.Embedding(3, 2, sparse=True), "sparse"),
    ],
    ids=str,
)
def test_a_layer_beyond_its_rule_is_refused_with_the_reason(layer: nn.Module, reason: str):
    with pytest.raises(InputError, match=rf"'weight'.*{reason}"):
        clipped_sum(layer, loss, (torch.zeros(1, 2, 4, 4),), clip_norm=1.0)
