"""What `clipped_sum` promises, attacked with the rows of adversarial patients."""

import math
from itertools import product

import pytest
import torch
from gradient_oracle import difference, joint_norm, looped_sum
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from dpsynth.privacy.grad import Position, Route, clipped_sum
from dpsynth.privacy.grad.pieces import Product, Stored
from dpsynth.privacy.grad.rules.embedding import Rows

CLIP = 0.7
ROUTES: tuple[Route, ...] = ("fast", "vmap")
HOSTILE = (0.0, -0.0, 1.0, -3.0, 1e-30, 1e-38, 1e5, 1e10, 1e19, 1e20, -1e38, math.inf, math.nan)


class Tokens(nn.Module):
    """Every kind of layer of the tabular models: codes and values to one number a row."""

    def __init__(self) -> None:
        super().__init__()
        self.codes = nn.Embedding(5, 24)
        self.values = nn.Linear(1, 24)
        self.places = Position(3, 24)
        self.norm = nn.LayerNorm(24)
        self.mix = nn.Linear(24, 24)
        self.out = nn.Linear(24, 1)

    def forward(self, codes: Tensor, values: Tensor) -> Tensor:
        x = self.places(self.codes(codes) + self.values(values[..., None]))
        x = x + functional.silu(self.mix(self.norm(x)))
        return self.out(x).mean((1, 2))


def loss(model: nn.Module, codes: Tensor, values: Tensor) -> Tensor:
    return (model(codes, values) - values.sum(1)).square()


def scene(patients: int, views: int = 1, seed: int = 5) -> tuple[nn.Module, tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    model = Tokens()
    for p in model.parameters():
        p.data = torch.randn(p.shape, generator=generator) / 3
    codes = torch.randint(5, (patients * views, 3), generator=generator)
    return model, (codes, torch.randn(patients * views, 3, generator=generator))


def with_patient(rows: tuple[Tensor, Tensor], values: list[float]) -> tuple[Tensor, Tensor]:
    """Append one patient of one view."""
    codes, numbers = rows
    return torch.cat([codes, codes[:1]]), torch.cat([numbers, torch.tensor([values])])


@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.sampled_from(HOSTILE), min_size=3, max_size=3))
@pytest.mark.parametrize("route", ROUTES)
def test_one_patient_never_weighs_more_than_clip_norm(route: Route, values: list[float]):
    model, (codes, _) = scene(1)
    rows = codes, torch.tensor([values])
    found = clipped_sum(model, loss, rows, clip_norm=CLIP, route=route)
    assert joint_norm(found) <= CLIP


@pytest.mark.parametrize(("route", "value"), list(product(ROUTES, HOSTILE)))
def test_neighbours_differ_by_at_most_clip_norm(route: Route, value: float):
    model, rows = scene(9)
    without = clipped_sum(model, loss, rows, clip_norm=CLIP, route=route)
    added = clipped_sum(model, loss, with_patient(rows, [value] * 3), clip_norm=CLIP, route=route)
    assert joint_norm(difference(added, without)) <= CLIP


@pytest.mark.parametrize("piece", [Stored, Product, Rows])
def test_neighbour_replay_catches_a_layer_that_is_not_clipped(
    monkeypatch: pytest.MonkeyPatch, piece: type
):
    model, rows = scene(9)
    bound = 1e-3  # far below every gradient
    both = rows, with_patient(rows, [3.0] * 3)
    without, added = (clipped_sum(model, loss, r, clip_norm=bound) for r in both)
    assert joint_norm(difference(added, without)) <= bound
    monkeypatch.setattr(piece, "squared", lambda self: self.each().flatten(1).sum(1) * 0)
    without, added = (clipped_sum(model, loss, r, clip_norm=bound) for r in both)
    assert joint_norm(difference(added, without)) > bound


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("value", [1e20, math.inf, -math.inf, math.nan])
def test_a_patient_without_a_finite_gradient_adds_exactly_nothing(route: Route, value: float):
    model, (codes, _) = scene(1)
    found = clipped_sum(
        model, loss, (codes, torch.full((1, 3), value)), clip_norm=CLIP, route=route
    )
    assert all(bool((g == 0).all()) for g in found.values())


@pytest.mark.parametrize("route", ROUTES)
def test_a_patient_without_a_finite_gradient_harms_no_other(route: Route):
    model, rows = scene(9)
    without = clipped_sum(model, loss, rows, clip_norm=CLIP, route=route)
    added = with_patient(rows, [math.nan, math.inf, 0.0])
    found = clipped_sum(model, loss, added, clip_norm=CLIP, route=route)
    torch.testing.assert_close(found, without)


@pytest.mark.parametrize("route", ROUTES)
def test_a_patient_with_an_infinite_loss_and_a_finite_gradient_adds_nothing(route: Route):
    def infinite(model: nn.Module, codes: Tensor, values: Tensor) -> Tensor:
        return model(codes, values) + math.inf

    model, rows = scene(2)
    found = clipped_sum(model, infinite, rows, clip_norm=CLIP, route=route)
    assert joint_norm(found) == 0


@pytest.mark.parametrize("route", ROUTES)
def test_one_bad_view_silences_its_patient_only(route: Route):
    model, (codes, values) = scene(3, views=4)
    values[5, 0] = math.nan  # the second view of the second patient
    keep = [0, 1, 2, 3, 8, 9, 10, 11]
    found = clipped_sum(model, loss, (codes, values), clip_norm=CLIP, views=4, route=route)
    rest = (codes[keep], values[keep])
    truth = clipped_sum(model, loss, rest, clip_norm=CLIP, views=4, route=route)
    torch.testing.assert_close(found, truth)


@pytest.mark.parametrize("amplitude", [1e2, 1e5, 1e8])
def test_cancelling_terms_do_not_hide_a_gradient_from_its_norm(amplitude: float):
    # All tokens carry nearly the same large input and output gradients of changing sign: the
    # Gram matrices cancel to rounding noise, while the gradient itself stays above the bound.
    layer = nn.Linear(64, 64, bias=False)
    generator = torch.Generator().manual_seed(1)
    x = amplitude * (1 + 1e-4 * torch.randn(1, 16, 64, generator=generator))
    signs = torch.tensor([1.0, -1.0] * 8).view(1, 16, 1).expand(1, 16, 64)

    def cancelling(model: nn.Module, x: Tensor, signs: Tensor) -> Tensor:
        return (model(x) * signs).sum((1, 2))

    found = clipped_sum(layer, cancelling, (x, signs), clip_norm=CLIP)
    assert joint_norm(found) <= CLIP


@pytest.mark.parametrize("route", ROUTES)
def test_products_are_whole_float32_whatever_the_user_allows(route: Route):
    backends = torch.backends
    places = (
        backends.cuda.matmul, backends.cudnn.conv, backends.mkldnn.matmul, backends.mkldnn.conv,
    )  # fmt: skip
    model, rows = scene(3)
    exact = clipped_sum(model, loss, rows, clip_norm=CLIP, route=route)
    seen = []

    def watched(model: nn.Module, *rows: Tensor) -> Tensor:
        seen.append([place.fp32_precision for place in places])
        return loss(model, *rows)

    before = [place.fp32_precision for place in places]
    torch.set_float32_matmul_precision("medium")
    try:
        allowed = [place.fp32_precision for place in places]
        found = clipped_sum(model, watched, rows, clip_norm=CLIP, route=route)
        assert [place.fp32_precision for place in places] == allowed != before
    finally:
        torch.set_float32_matmul_precision("highest")
        for place, held in zip(places, before, strict=True):
            place.fp32_precision = held
    assert seen == [["ieee"] * 4]
    torch.testing.assert_close(found, exact, rtol=0, atol=0)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("micro_batch", [1, 4, 7, 100])
def test_split_equals_unsplit(route: Route, micro_batch: int):
    model, rows = scene(7, views=2)
    whole = clipped_sum(model, loss, rows, clip_norm=CLIP, views=2, route=route)
    split = clipped_sum(
        model, loss, rows, clip_norm=CLIP, views=2, route=route, micro_batch=micro_batch
    )
    torch.testing.assert_close(split, whole, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("views", [1, 4])
def test_sum_equals_a_loop_over_patients(route: Route, views: int):
    model, rows = scene(6, views)
    found = clipped_sum(model, loss, rows, clip_norm=CLIP, views=views, route=route)
    truth = looped_sum(model, loss, rows, clip_norm=CLIP, views=views)
    torch.testing.assert_close(found, truth, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("route", ROUTES)
def test_an_empty_batch_gives_zeros_for_every_parameter(route: Route):
    model, (codes, values) = scene(3)
    found = clipped_sum(model, loss, (codes[:0], values[:0]), clip_norm=CLIP, route=route)
    assert {n: g.shape for n, g in found.items()} == {
        n: p.shape for n, p in model.named_parameters()
    }
    assert all(g.dtype == torch.float32 and not g.any() for g in found.values())


@pytest.mark.parametrize("route", ROUTES)
def test_a_call_leaves_no_trace_in_model_or_generator(route: Route):
    model, rows = scene(4)
    state = {n: t.clone() for n, t in model.state_dict().items()}
    attributes = {n: set(m.__dict__) for n, m in model.named_modules()}
    torch.manual_seed(11)
    before = torch.get_rng_state()
    first = clipped_sum(model, loss, rows, clip_norm=CLIP, route=route)
    second = clipped_sum(model, loss, rows, clip_norm=CLIP, route=route)
    assert torch.equal(torch.get_rng_state(), before)
    assert {n: set(m.__dict__) for n, m in model.named_modules()} == attributes
    assert all(p.grad is None for p in model.parameters())
    torch.testing.assert_close(model.state_dict(), state, rtol=0, atol=0)
    torch.testing.assert_close(first, second, rtol=0, atol=0)


def test_a_frozen_parameter_is_left_out_and_does_not_enter_the_norm():
    model, rows = scene(4)
    model.get_submodule("mix").requires_grad_(False)
    model.get_parameter("out.bias").requires_grad_(False)
    found = clipped_sum(model, loss, rows, clip_norm=CLIP)
    torch.testing.assert_close(
        found, looped_sum(model, loss, rows, clip_norm=CLIP), rtol=1e-3, atol=1e-5
    )
    assert not {"mix.weight", "mix.bias", "out.bias"} & found.keys()


def test_half_precision_layers_are_clipped_in_float32():
    model, rows = scene(6)

    def autocast(model: nn.Module, *rows: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return loss(model, *rows)

    found = clipped_sum(model, autocast, rows, clip_norm=CLIP)
    whole = clipped_sum(model, loss, rows, clip_norm=CLIP)
    assert all(g.dtype == torch.float32 for g in found.values())
    assert joint_norm(difference(found, whole)) < 0.1 * joint_norm(whole)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("micro_batch", [None, 2])
def test_factors_multiply_each_patients_clipped_gradient(route: Route, micro_batch: int | None):
    model, rows = scene(5, views=2)
    factors = torch.tensor([1.0, 0.25, 0.5, 0.01, 1.0])
    found = clipped_sum(
        model, loss, rows, clip_norm=CLIP, views=2, route=route, factors=factors,
        micro_batch=micro_batch,
    )  # fmt: skip
    alone: dict[str, Tensor] = {}
    for i, factor in enumerate(factors.tolist()):
        mine = tuple(each[2 * i : 2 * i + 2] for each in rows)
        for name, value in clipped_sum(model, loss, mine, clip_norm=CLIP, views=2).items():
            alone[name] = alone.get(name, torch.zeros_like(value)) + factor * value
    for name, value in found.items():
        torch.testing.assert_close(value, alone[name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("route", "value"), list(product(ROUTES, HOSTILE)))
@pytest.mark.parametrize("factor", [1.0, 0.01])
def test_weighed_neighbours_differ_by_at_most_factor_times_clip_norm(
    route: Route, value: float, factor: float
):
    model, rows = scene(9)
    factors = torch.linspace(0.01, 1.0, 9)
    given = {"clip_norm": CLIP, "route": route}
    without = clipped_sum(model, loss, rows, factors=factors, **given)
    both = torch.cat([factors, torch.tensor([factor])])
    added = clipped_sum(model, loss, with_patient(rows, [value] * 3), factors=both, **given)
    # Sums of some 1,000 numbers in float32 round by 1e-6 of the largest.
    assert joint_norm(difference(added, without)) <= CLIP * factor + (factor < 1) * 1e-5
