"""What `clipped_sum` refuses, because no clipping could cover it, and what it sums right."""

import pytest
import torch
from gradient_oracle import looped_sum
from torch import Tensor, nn

from dpsynth.errors import InputError, PromiseError
from dpsynth.privacy.grad import Route, clipped_sum

ROUTES: tuple[Route, ...] = ("fast", "vmap")


def square(model: nn.Module, x: Tensor) -> Tensor:
    return model(x).flatten(1).square().sum(1)


def rows(width: int = 4, patients: int = 6) -> tuple[Tensor, ...]:
    return (torch.randn(patients, width, generator=torch.Generator().manual_seed(2)),)


class Bare(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(4))
        self.linear = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x * self.scale)


class Tied(nn.Module):
    """One weight in two modules, one of which is called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(4, 4)
        self.two = nn.Linear(4, 4)
        self.two.weight = self.one.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.two(self.one(self.one(x).tanh()).tanh())


class Borrowed(nn.Module):
    """Uses a layer's weight without calling the layer."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.linear(self.linear(x), self.linear.weight)


class Own(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * 2


class TokensFirst(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.view(len(x), 2, 2).transpose(0, 1)
        return self.linear(tokens).transpose(0, 1)


class Remembering(nn.Module):
    """Keeps something of what it saw, in one of three ways."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way
        self.linear = nn.Linear(4, 4)
        self.register_buffer("mean", torch.zeros(4))

    def forward(self, x: Tensor) -> Tensor:
        seen = torch.full((4,), 3.0)
        if self.way == "written":
            self.mean.copy_(seen)
        elif self.way == "replaced":
            self.mean = seen
        elif self.way == "data":
            self.mean.data[0] = 1.0
        else:
            self.register_buffer("more", seen)
        return self.linear(x)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "layer",
    [
        nn.BatchNorm1d(4),
        nn.BatchNorm1d(4, affine=False).eval(),
        nn.InstanceNorm1d(4, track_running_stats=True),
    ],
)
def test_a_module_that_mixes_patients_is_refused_by_name(route: Route, layer: nn.Module):
    model = nn.Sequential(nn.Linear(4, 4), layer)
    with pytest.raises(InputError, match="'1'"):
        clipped_sum(model, square, rows(), clip_norm=1.0, route=route)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("way", ["written", "replaced", "data", "added"])
def test_a_buffer_that_changes_is_refused_and_put_back(route: Route, way: str):
    model = Remembering(way)
    with pytest.raises(PromiseError, match="buffer"):
        clipped_sum(model, square, rows(), clip_norm=1.0, route=route)
    assert dict(model.named_buffers()).keys() == {"mean"}
    assert not model.mean.any()


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (Bare(), "scale"),
        (nn.Sequential(nn.PReLU()), "0.weight"),
        (nn.Sequential(nn.Flatten(), Own(4, 4)), "1.weight"),
        (nn.Bilinear(4, 4, 4), "weight"),
        (nn.utils.parametrizations.weight_norm(nn.Linear(4, 4)), "original0"),
    ],
)
def test_a_parameter_without_a_rule_is_refused_by_name(model: nn.Module, name: str):
    with pytest.raises(InputError, match=rf"{name}.*route='vmap'"):
        clipped_sum(model, square, rows(), clip_norm=1.0)


@pytest.mark.parametrize("model", [Bare(), nn.PReLU(), Own(4, 4)])
def test_vmap_knows_what_the_fast_route_refuses(model: nn.Module):
    found = clipped_sum(model, square, rows(), clip_norm=0.5, route="vmap")
    truth = looped_sum(model, square, rows(), clip_norm=0.5)
    torch.testing.assert_close(found, truth, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("views", [1, 2])
def test_a_module_called_twice_and_tied_weights_are_summed_before_the_norm(
    route: Route, views: int
):
    model = Tied()
    found = clipped_sum(model, square, rows(), clip_norm=0.5, views=views, route=route)
    truth = looped_sum(model, square, rows(), clip_norm=0.5, views=views)
    torch.testing.assert_close(found, truth, rtol=1e-4, atol=1e-5)


def test_a_weight_used_past_its_module_is_refused():
    with pytest.raises(InputError, match=r"linear\.weight"):
        clipped_sum(Borrowed(), square, rows(), clip_norm=1.0)


def test_a_loss_that_takes_gradients_itself_is_refused_on_the_fast_route():
    def penalty(model: nn.Module, x: Tensor) -> Tensor:
        x = x.clone().requires_grad_()
        slope = torch.autograd.grad(model(x).sum(), x, create_graph=True)[0]
        return slope.square().sum(1)

    with pytest.raises(InputError, match="vmap"):
        clipped_sum(nn.Linear(4, 1), penalty, rows(), clip_norm=1.0)


def test_rows_that_are_not_first_are_refused():
    with pytest.raises(InputError, match="rows first"):
        clipped_sum(TokensFirst(), square, rows(), clip_norm=1.0)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "bad",
    [lambda m, x: m(x).square().sum(), lambda m, x: m(x), lambda m, x: m(x).sum((0,))],
    ids=["summed", "not averaged", "summed over rows"],
)
def test_a_loss_that_is_not_one_value_a_row_is_refused(route: Route, bad):
    with pytest.raises(InputError, match="one value for each row"):
        clipped_sum(nn.Linear(4, 3), bad, rows(), clip_norm=1.0, route=route)


@pytest.mark.parametrize("clip_norm", [0.0, -1.0, float("inf"), float("nan")])
def test_a_bound_that_bounds_nothing_is_refused(clip_norm: float):
    with pytest.raises(InputError, match="clip_norm"):
        clipped_sum(nn.Linear(4, 1), square, rows(), clip_norm=clip_norm)


@pytest.mark.parametrize(
    "wrong",
    [{"views": 4}, {"views": 0}, {"micro_batch": 0}, {"route": "slow"}],
    ids=str,
)
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(InputError):
        clipped_sum(nn.Linear(4, 1), square, rows(), clip_norm=1.0, **wrong)
    with pytest.raises(InputError):
        clipped_sum(nn.Linear(4, 1), square, (), clip_norm=1.0)


def test_the_model_runs_as_before_after_a_refusal():
    model = nn.Sequential(nn.Linear(4, 4), nn.PReLU())
    with pytest.raises(InputError):
        clipped_sum(model, square, rows(), clip_norm=1.0)

    def failing(model: nn.Module, x: Tensor) -> Tensor:
        raise RuntimeError("stop")

    linear = nn.Linear(4, 4)
    with pytest.raises(RuntimeError, match="stop"):
        clipped_sum(linear, failing, rows(), clip_norm=1.0)
    assert "forward" not in model[0].__dict__
    assert "forward" not in linear.__dict__
    model(rows()[0]).sum().backward()
    assert model[0].weight.grad is not None
