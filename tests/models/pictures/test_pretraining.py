"""Learning from public pictures first: it learns, it costs nothing, and it is put back."""

import numpy as np
import pytest
import torch
from test_dct_gaussian import CPU, schema
from test_image_diffusion import SMALL, opened, plan, quick  # noqa: F401 - a fixture

from dpsynth.data.codec import codec
from dpsynth.data.phantoms import chest
from dpsynth.models import MODELS
from dpsynth.models.base import quiet
from dpsynth.models.edm import Gaussians
from dpsynth.models.image_diffusion import ImageDiffusion
from dpsynth.models.pretraining import Pretrains, learnt_first, public_gaussians
from dpsynth.models.state import State
from dpsynth.privacy.door import Door
from dpsynth.privacy.draws import RowDraws

DEEP = SMALL | {"network": "unet"}
FAST = SMALL | {"width": 64, "public_steps": 200, "public_rate": 5e-3}


def two_kinds(count: int, seed: int = 0) -> np.ndarray:
    """Bright at the left or at the right: a Gaussian puts most of its mass between.

    Which one shows in the second number of a spectrum.
    """
    rng = np.random.default_rng(seed)
    ramp = np.linspace(-20, 20, 8)[None, None, :, None]
    side = rng.choice([-1.0, 1.0], count)[:, None, None, None]
    shades = 128 + side * ramp + 2 * rng.normal(size=(count, 8, 8, 1))
    return np.clip(shades, 0, 255).astype(np.uint8)


def test_it_learns_what_gaussians_do_not_know_of_public_pictures():
    given, pictures = schema(), two_kinds(500)
    torch.manual_seed(0)
    model = ImageDiffusion(given, codec(given), plan(), **FAST)
    objective, width = model.objective, model.objective.spectrum.width
    own = Gaussians.of(np.zeros((2, width)), np.stack([np.eye(width)] * 2), CPU)
    objective.gaussians = own
    codes = np.array([[0, 0], [1, 1]])
    learnt_first(
        model.net, objective, pictures, codes, facts=1, steps=300, rate=5e-3, progress=quiet
    )
    assert objective.gaussians is own
    fresh = torch.from_numpy(two_kinds(300, seed=1))
    objective.gaussians = public_gaussians(objective.spectrum, pictures, own, CPU)
    rows = torch.zeros(300, 1, dtype=torch.long), torch.zeros(300, 1, 1, dtype=torch.long)
    rows = (*rows, torch.ones(300, dtype=torch.long), fresh[:, None])
    ready = objective.prepare(rows, RowDraws(torch.arange(300), 5))
    with torch.no_grad():
        wrong = (model.net(*ready[:3]) - ready[3])[:, 1]
    # A network that says nothing is as wrong as what it should have said is large.
    assert wrong.square().mean() < 0.8 * ready[3][:, 1].square().mean()


def test_a_unet_learns_where_things_are_in_phantoms():
    given = schema(size=16)
    torch.manual_seed(0)
    model = ImageDiffusion(given, codec(given), plan(), **DEEP | {"width": 16, "kept": 6})
    objective, known = model.objective, model._start.known
    wide = objective.spectrum.width - len(known)
    own = Gaussians.of(
        np.zeros((2, len(known))), np.stack([np.eye(len(known))] * 2), CPU,
        known=known, variances=np.ones((2, wide)),
    )  # fmt: skip
    objective.gaussians = own
    seen, fresh = chest(300, 0, 16).images, torch.from_numpy(chest(100, 9, 16).images)
    codes = np.array([[0, 0], [1, 1]])
    learnt_first(model.net, objective, seen, codes, facts=1, steps=60, rate=5e-3, progress=quiet)
    objective.gaussians = public_gaussians(objective.spectrum, seen, own, CPU)
    rows = torch.zeros(len(fresh), 1, dtype=torch.long)
    rows = rows, rows[:, None], torch.ones(len(fresh), dtype=torch.long), fresh[:, None]
    ready = objective.prepare(rows, RowDraws(torch.arange(len(fresh)), 5))
    with torch.no_grad():
        wrong = objective.loss(model.net, *ready).mean()
    assert wrong < 0.93 * ready[3].square().mean()


def test_the_public_gaussian_is_that_of_the_pictures():
    given, pictures = schema(), two_kinds(400)
    model = ImageDiffusion(given, codec(given), plan(), **FAST | {"network": "unet", "width": 8})
    spectrum, known = model.objective.spectrum, model._start.known
    like = Gaussians.of(
        np.zeros((2, 16)), np.stack([np.eye(16)] * 2), CPU,
        known=known, variances=np.ones((2, 48)),
    )  # fmt: skip
    found = public_gaussians(spectrum, pictures, like, CPU)
    x = found.draw(torch.arange(2).repeat_interleave(20_000), 0.0, torch.Generator()).numpy()
    truth = spectrum.of(pictures)
    for half in np.split(x, 2):
        np.testing.assert_allclose(
            half.mean(0), truth.mean(0) * np.isin(range(64), known), atol=0.05
        )
        np.testing.assert_allclose(half.std(0), truth.std(0), atol=0.05)


def test_public_pictures_are_learnt_from_before_the_first_step_and_not_again(tmp_path, monkeypatch):
    given, order = schema(), []
    original = Door.step

    def told(self, *words):
        order.append("patients")
        if len(order) == 4:
            raise KeyboardInterrupt
        original(self, *words)

    monkeypatch.setattr(Door, "step", told)

    def progress(stage: str, done: int, of: int) -> None:
        if done == of and "public" in stage:
            order.append("public")

    def fresh() -> ImageDiffusion:
        model = ImageDiffusion(given, codec(given), plan(), **FAST | {"public_steps": 5})
        model.learn_first(two_kinds(200))
        return model

    with pytest.raises(KeyboardInterrupt):
        fresh().fit(opened(given), State(tmp_path / "s"), progress, CPU)
    names = ("tables", "moments", "label", "means", "lengths", "spread", "texture")
    fresh().fit(opened(given, steps_spent=3, spent=names), State(tmp_path / "s"), progress, CPU)
    assert order == ["public", "patients", "patients", "patients", "patients"]


def test_which_models_can():
    assert [name for name, kind in MODELS.items() if issubclass(kind, Pretrains)] == [
        "image-diffusion"
    ]
