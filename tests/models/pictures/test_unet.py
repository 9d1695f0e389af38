"""The U-Net over all frequencies: nothing at first, rows apart, per-patient gradients exact."""

import numpy as np
import pytest
import torch
from test_dct_gaussian import CPU, schema, tilt
from test_image_diffusion import SMALL, opened, plan, quick  # noqa: F401 - a fixture

from dpsynth.data.codec import codec
from dpsynth.errors import InputError
from dpsynth.models.base import quiet
from dpsynth.models.edm import SIGMA_MAX, Gaussians, sampled
from dpsynth.models.image_diffusion import ImageDiffusion
from dpsynth.models.nets.unet import UNet
from dpsynth.models.state import State
from dpsynth.models.waves import Waves
from dpsynth.privacy.grad import clipped_sum
from dpsynth.privacy.spectrum import Spectrum

DEEP = SMALL | {"network": "unet", "width": 8}
RNG = np.random.default_rng(0)


def net(size: int = 16, channels: int = 1, sizes: tuple[int, ...] = (2, 3)) -> UNet:
    torch.manual_seed(0)
    spectrum = Spectrum(size=size, channels=channels, kept=size)
    made = UNet(spectrum, sizes, 8, 2)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return made


def rows(of: UNet, count: int) -> tuple[torch.Tensor, ...]:
    width = of.layout.spectrum.width
    codes = torch.stack([torch.arange(count) % 2, torch.arange(count) % 3], 1)
    return torch.randn(count, 2 * width), torch.randn(count), codes


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_of_equal_loudness_go_there_and_back(channels):
    spectrum = Spectrum(size=8, channels=channels, kept=8)
    layout = Waves(spectrum, sized=False)
    numbers = torch.randn(5, spectrum.width)
    pixels = layout.pixels(numbers)
    assert pixels.shape == (5, channels, 8, 8)
    torch.testing.assert_close(layout.numbers(pixels), numbers, atol=1e-4, rtol=1e-4)
    lengths = pixels.square().sum((1, 2, 3))  # the transform keeps lengths
    torch.testing.assert_close(lengths, numbers.square().sum(1), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(("size", "halvings"), [(8, 0), (16, 1), (28, 1), (64, 3), (128, 4)])
def test_it_halves_down_to_eight_pixels(size, halvings):
    spectrum = Spectrum(size=size, channels=1, kept=size)
    made = UNet(spectrum, (2,), 8, 1)
    assert len(made.halve) == halvings
    seen = torch.randn(2, 2 * spectrum.width)
    said = made(seen, torch.zeros(2), torch.tensor([[0], [1]]))
    assert said.shape == (2, spectrum.width)
    assert not said.any()  # before training it says nothing


def test_no_row_sees_another():
    made = net()
    given = rows(made, 6)
    whole = made(*given)
    torch.testing.assert_close(made(*(each[2:4] for each in given)), whole[2:4])
    assert (whole.std(0) > 0).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_each_patients_gradient_is_that_of_vmap(channels):
    made = net(channels=channels)
    given = rows(made, 6)

    def loss(model: UNet, *each: torch.Tensor) -> torch.Tensor:
        return model(*each).square().mean(1)

    found = {
        route: clipped_sum(made, loss, given, clip_norm=0.5, views=2, route=route)
        for route in ("fast", "vmap")
    }
    for name, value in found["vmap"].items():
        torch.testing.assert_close(found["fast"][name], value, atol=1e-4, rtol=1e-3)


def test_numbers_on_their_own_are_guessed_and_drawn():
    # The second of two numbers is on its own, with variance 4 in class 0 and 0 in class 1.
    known = Gaussians.of(
        np.ones((2, 1)), np.ones((2, 1, 1)), CPU,
        known=np.array([0]), variances=np.array([[4.0], [0.0]]),
    )  # fmt: skip
    code = torch.tensor([0, 1])
    D, sd, seen = known.guess(torch.tensor([[1.0, 3.0]] * 2), torch.tensor([2.0, 2.0]), code)
    assert seen.shape == (2, 4)
    # Variance 4 and noise of variance 4: half way, variance 2. Variance 0: nothing is left.
    np.testing.assert_allclose(D.numpy(), [[1.0, 1.5], [1.0, 0.0]], atol=1e-3)
    assert sd[0, 1].item() == pytest.approx(2**0.5, rel=1e-3)
    code = torch.arange(2).repeat_interleave(20_000)
    for churn in (0.0, 10.0):
        draws = torch.Generator().manual_seed(0)
        x = known.draw(code, SIGMA_MAX, draws)
        flow = sampled(x, lambda x, sigma: known.guess(x, sigma, code)[0], 25, churn, draws)
        spread = flow.view(2, -1, 2).std(1).numpy()
        np.testing.assert_allclose(spread, [[1.0, 2.0], [1.0, 0.0]], atol=0.06)
        np.testing.assert_allclose(flow.view(2, -1, 2)[:, :, 0].mean(1), [1.0, 1.0], atol=0.05)


def test_fresh_noise_on_the_way_is_taken_out_again_but_changes_the_draw():
    known = Gaussians.of(np.zeros((1, 1)), np.ones((1, 1, 1)), CPU)
    code = torch.zeros(4000, dtype=torch.long)
    x = known.draw(code, SIGMA_MAX, torch.Generator().manual_seed(0))
    made = [
        sampled(x, lambda x, s: known.guess(x, s, code)[0], 25, churn, torch.Generator())[:, 0]
        for churn in (0.0, 0.0, 20.0)
    ]
    assert (made[0] == made[1]).all()
    together = torch.corrcoef(torch.stack([made[0], made[2]]))[0, 1]
    assert together < 0.9  # the same start no longer leads to the same end


def test_it_trains_draws_and_comes_back(tmp_path):
    given = schema(channels=3, upright=False)
    model = ImageDiffusion(given, codec(given), plan(), **DEEP)
    model.fit(opened(given), State(tmp_path / "s"), quiet, CPU)
    again = ImageDiffusion(given, codec(given), plan(), **DEEP)
    again.load(model.tensors())
    one, other = (m.sample(40, {}, 7, quiet, CPU) for m in (model, again))
    np.testing.assert_array_equal(one.pictures, other.pictures)
    assert one.pictures[one.inside].std() > 5


def test_classes_look_as_they_do_with_their_fine_frequencies(tmp_path):
    given = schema()
    model = ImageDiffusion(given, codec(given), plan(), **DEEP)
    model.fit(opened(given), State(tmp_path / "s"), quiet, CPU)
    made = model.sample(400, {}, 3, quiet, CPU)
    shades, code = made.pictures[made.inside].astype(float), made.visits[made.inside][:, 0]
    tilts = tilt(shades)
    assert tilts[code == 1].mean() == pytest.approx(68.6, abs=10)
    assert tilts[code == 0].mean() == pytest.approx(-68.6, abs=10)
    # The world's pictures are a ramp and independent noise of 10 shades: neighbours differ by it.
    step = np.diff(shades[..., 0], axis=2)
    assert step.std() == pytest.approx(10 * 2**0.5, rel=0.2)


def test_how_many_gradients_are_held_at_once_is_told_to_the_door(tmp_path):
    given, made = schema(), plan()
    found = []
    for part in (None, 7):
        torch.manual_seed(1)
        model = ImageDiffusion(given, codec(given), made, **DEEP | {"micro_batch": part})
        asked = []
        door = opened(given)
        door.step = lambda net, objective, micro=None, asked=asked: (
            asked.append(micro)
            or [setattr(p, "grad", torch.zeros_like(p)) for p in net.parameters()]
        )
        model.fit(door, State(tmp_path / str(part)), quiet, CPU)
        found.append(asked)
    assert found == [[None] * 4, [7] * 4]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"network": "transformer"}, "network must be one of perceptron, unet, got 'transformer'"),
        ({"network": "unet", "texture_share": 0}, "texture_share must be above 0"),
        ({"network": "unet", "width": 12}, "width of a unet must be a multiple of 8, got 12"),
    ],
)
def test_a_network_that_is_not_there_is_refused(settings, said):
    with pytest.raises(InputError, match=said):
        ImageDiffusion(schema(), codec(schema()), plan(), **settings)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_trained_on_a_gpu_it_draws_there_and_here(tmp_path):
    given, gpu = schema(), torch.device("cuda")
    model = ImageDiffusion(given, codec(given), plan(), **DEEP)
    model.fit(opened(given, device=gpu), State(tmp_path / "s"), quiet, gpu)
    for where in (gpu, CPU):
        again = ImageDiffusion(given, codec(given), plan(), **DEEP)
        again.load({k: v.cpu() for k, v in model.tensors().items()})
        assert again.sample(20, {}, 7, quiet, where).pictures.any()
