"""Diffusion about Gaussians: says nothing before training, learns by the door, comes back."""

import numpy as np
import pytest
import torch
from test_dct_gaussian import CPU, NAMES, schema, tilt, world

from dpsynth.data.codec import codec
from dpsynth.models.base import quiet
from dpsynth.models.edm import SIGMA_MAX, Gaussians, sampled, steps_of
from dpsynth.models.image_diffusion import ImageDiffusion
from dpsynth.models.picture_objective import PictureObjective
from dpsynth.models.state import State
from dpsynth.models.warm import fitting, start
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.draws import RowDraws
from dpsynth.privacy.noise import CryptoStream
from dpsynth.privacy.picture_sums import Classes
from dpsynth.privacy.plan import DPSGD, Plan, Release
from dpsynth.privacy.spectrum import Spectrum

SMALL = {"kept": 4, "width": 16, "depth": 1, "sampling_steps": 8, "save_every": 2}
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(start, "ROUNDS", 4)
    monkeypatch.setattr(fitting, "PATIENTS", 300)


def plan(noise: float = 1e-6, steps: int = 4) -> Plan:
    training = DPSGD(
        noise_multiplier=noise, clip_norm=1.0, sample_rate=0.2, expected_batch=80.0,
        steps=steps, views=2,
    )  # fmt: skip
    releases = tuple(Release(name=n, noise_multiplier=noise) for n in NAMES)
    return Plan(epsilon=1.0, delta=1e-5, population=400, releases=releases, training=training)


def built(given, made=None) -> ImageDiffusion:
    return ImageDiffusion(given, codec(given), made or plan(), **SMALL)


def opened(given, made=None, **more) -> Door:
    door = Door(world(given), plan=made or plan(), randomness=CryptoStream(), **more)
    door.use(codec(given))
    return door


def basis(classes: int = 2, width: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Means and roots with orthogonal columns, one of them nothing."""
    turned = [np.linalg.qr(RNG.normal(size=(width, width)))[0] for _ in range(classes)]
    sizes = np.array([2.0, 1.0, 0.5, 0.1, 0.0])
    return RNG.normal(size=(classes, width)), np.stack([each * sizes for each in turned])


def test_the_spectrum_in_torch_is_that_of_numpy():
    for channels in (1, 3):
        spectrum = Spectrum(size=8, channels=channels, kept=3)
        objective = PictureObjective(codec(schema()), spectrum, Classes())
        pictures = RNG.integers(0, 256, (6, 8, 8, channels)).astype(np.uint8)
        found = objective.waves.of(torch.from_numpy(pictures)).numpy()
        np.testing.assert_allclose(found, spectrum.of(pictures), rtol=1e-3, atol=1e-3)


def test_a_picture_is_turned_by_its_own_draw():
    spectrum = Spectrum(size=8, channels=3, kept=3, upright=False)
    objective = PictureObjective(codec(schema()), spectrum, Classes())
    pictures = RNG.integers(0, 256, (2, 8, 8, 3)).astype(np.uint8)
    z = objective.waves.of(torch.from_numpy(pictures))
    seen = []
    for eighth in range(8):
        made = objective.turned(z, torch.tensor([(eighth + 0.5) / 8, 0.0]))
        torch.testing.assert_close(made[1], z[1])  # the first way is the picture itself
        seen.append(made[0].numpy())
    turned = [pictures[:1], pictures[:1, :, ::-1], pictures[:1, ::-1], pictures[:1, ::-1, ::-1]]
    turned += [each.transpose(0, 2, 1, 3) for each in turned]
    for each in turned:
        expected = spectrum.of(each)[0]
        assert any(np.allclose(made, expected, atol=1e-3) for made in seen)
    assert objective.turned(z, torch.tensor([1.0, 1.0])).isfinite().all()  # rounded up


def test_the_guess_is_the_posterior_mean_and_its_spread():
    # One dimension of variance 4 and noise of variance 4: half way, variance 2.
    flat = Gaussians.of(np.zeros((1, 1)), np.full((1, 1, 1), 2.0), CPU)
    D, sd, _ = flat.guess(torch.tensor([[3.0]]), torch.tensor([2.0]), torch.tensor([0]))
    assert D.item() == pytest.approx(1.5, rel=1e-3)
    assert sd.item() == pytest.approx(2**0.5, rel=1e-3)


def test_without_a_network_the_flow_draws_the_gaussian():
    means, roots = basis()
    known = Gaussians.of(means, roots, CPU)
    code = torch.arange(2).repeat_interleave(20_000)
    x = known.draw(code, SIGMA_MAX, torch.Generator().manual_seed(0))
    made = sampled(x, lambda x, sigma: known.guess(x, sigma, code)[0], 25).numpy()
    for each in range(2):
        here = made[code.numpy() == each]
        np.testing.assert_allclose(here.mean(0), means[each], atol=0.06)
        np.testing.assert_allclose(np.cov(here.T), roots[each] @ roots[each].T, atol=0.15)


def test_noise_levels_fall_to_nothing():
    levels = steps_of(10)
    assert levels[0] == pytest.approx(SIGMA_MAX)
    assert levels[-1] == 0.0
    assert (np.diff(levels) < 0).all()


def test_a_patients_loss_is_that_patients_alone():
    given = schema()
    book = codec(given)
    model = built(given)
    means = RNG.normal(size=(2, 16))
    model.objective.gaussians = Gaussians.of(means, np.stack([np.eye(16)] * 2), CPU)
    torch.nn.init.normal_(model.net.leave.weight)
    tokens = book.encode(world(given, 6))
    length = tokens.length.astype(np.int64)
    length[3] = 0
    rows = tuple(
        torch.from_numpy(a)
        for a in (tokens.static.astype(np.int64), tokens.visits.astype(np.int64), length)
    )
    rows = (*rows, torch.from_numpy(tokens.pictures))
    keys = torch.arange(6) + 100

    def losses(which: list[int]) -> torch.Tensor:
        part = tuple(each[which] for each in rows)
        ready = model.objective.prepare(part, RowDraws(keys[which], 7))
        return model.objective.loss(model.net, *ready)

    whole = losses([0, 1, 2, 3, 4, 5])
    torch.testing.assert_close(losses([4, 1]), whole[[4, 1]])
    assert whole[3] == 0  # who has no picture
    assert (whole[[0, 1, 2, 4, 5]] > 0).all()


def test_classes_look_as_they_do(tmp_path):
    given = schema()
    model = built(given)
    model.fit(opened(given), State(tmp_path / "s"), quiet, CPU)
    made = model.sample(400, {}, 3, quiet, CPU)
    patient, turn = np.nonzero(made.inside)
    tilts = tilt(made.pictures[patient, turn].astype(float))
    code = made.visits[patient, turn, 0]
    assert tilts[code == 1].mean() == pytest.approx(68.6, abs=10)
    assert tilts[code == 0].mean() == pytest.approx(-68.6, abs=10)
    assert not made.pictures[~made.inside].any()


def test_training_lowers_the_loss_below_the_gaussians(tmp_path):
    # One class of two kinds of pictures: a Gaussian puts most of its mass between them.
    given = schema(label=False)
    longer = plan(steps=150)
    model = ImageDiffusion(given, codec(given), longer, **SMALL | {"width": 64, "rate": 5e-3})
    model.fit(opened(given, longer), State(tmp_path / "s"), quiet, CPU)
    tokens = codec(given).encode(world(given, 300, seed=9))
    rows = tuple(
        torch.from_numpy(a.astype(np.int64)) for a in (tokens.static, tokens.visits, tokens.length)
    )
    ready = model.objective.prepare(
        (*rows, torch.from_numpy(tokens.pictures)), RowDraws(torch.arange(300), 5)
    )
    with torch.no_grad():
        learnt = model.objective.loss(model.net, *ready).mean()
        torch.nn.init.zeros_(model.net.leave.weight)
        torch.nn.init.zeros_(model.net.leave.bias)
        before = model.objective.loss(model.net, *ready).mean()
    assert learnt < 0.95 * before


def test_saved_and_taken_up_it_draws_the_same(tmp_path):
    given = schema()
    model = built(given)
    model.fit(opened(given), State(tmp_path / "s"), quiet, CPU)
    again = built(given)
    again.load(model.tensors())
    one, other, third = (
        m.sample(40, {}, s, quiet, CPU) for m, s in ((model, 7), (again, 7), (again, 8))
    )
    np.testing.assert_array_equal(one.pictures, other.pictures)
    assert (one.pictures != third.pictures).any()


def test_a_killed_run_goes_on_and_asks_no_more_than_the_plan(tmp_path, monkeypatch):
    given, made = schema(), plan()
    asked = []
    original = Door.step

    def counted(self, *words):
        asked.append(1)
        if len(asked) == 3:
            raise KeyboardInterrupt
        original(self, *words)

    monkeypatch.setattr(Door, "step", counted)
    with pytest.raises(KeyboardInterrupt):
        built(given).fit(opened(given), State(tmp_path / "s"), quiet, CPU)
    state = State(tmp_path / "s")
    assert state.asked == 3
    model = built(given)
    model.fit(opened(given, steps_spent=3, spent=NAMES), state, quiet, CPU)
    assert len(asked) == made.training.steps  # the third was asked and is lost


def test_a_plan_holds_training_and_releases():
    budget = Budget(epsilon=3.0, delta=1e-5, population=400)
    made = ImageDiffusion.plan(schema(), budget, 0.0, kept=4)
    assert {r.name for r in made.releases} == set(NAMES)
    assert made.training is not None
    assert made.training.expected_batch == pytest.approx(64)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_trained_on_a_gpu_it_draws_there_and_here(tmp_path):
    given, gpu = schema(), torch.device("cuda")
    model = built(given)
    model.fit(opened(given, device=gpu), State(tmp_path / "s"), quiet, gpu)
    for where in (gpu, CPU):
        again = built(given)
        again.load({k: v.cpu() for k, v in model.tensors().items()})
        assert again.sample(20, {}, 7, quiet, where).pictures.any()
